#pragma once

#include "projectors/engine/order_index.h"
#include "projectors/engine/projection.h"
#include "tally/events.pb.h"
#include "tally/tables.pb.h"
#include "tests/simulation/tally/rules.h"

namespace sluice {

struct ByTimes {
  struct Place {
    std::int64_t times = 0;
    std::int64_t position = 0;
    friend bool operator<(const Place& a, const Place& b) {
      return a.times != b.times ? a.times > b.times : a.position < b.position;
    }
  };
  static const std::string& group_of(const tally::Member& member) { return member.box_id(); }
  static Place place_of(const tally::Member& member) {
    return {member.times(), member.last_position()};
  }
  static std::size_t heap_bytes(const Place&) { return 0; }
};

class Tally {
 public:
  using Event = tally::Event;
  static constexpr int kVersion = 1;
  static constexpr bool kEmits = true;

  explicit Tally(Tables& tables, TallyRules rules = {})
      : rules_(rules), boxes_(tables), members_(tables), by_times_(tables, members_) {}

  static const Computed& computed();
  void fold(const Event& event, const Record& record, Effects& effects);
  void fire(const Timer& timer, Effects& effects);
  void refresh();

 private:
  void add(const tally::MemberAdded& fact, const Record& record, Effects& effects);
  void remove(const tally::MemberRemoved& fact, Effects& effects);
  void empty(const tally::BoxEmptied& fact, Effects& effects);
  void set_stay(const tally::MemberAdded& fact, const Record& record, Effects& effects);
  void leave(const std::string& box_id, const std::string& member, Effects& effects);
  void expel(const tally::MemberExpelled& fact, Effects& effects);
  void may_fail_to_add(std::int64_t stay_ms) const;
  void may_fail_to_fire(std::int64_t stay_ms, const Timer& timer, Effects& effects) const;
  tally::Box& change(const std::string& box_id, int members, int changes = 1);
  // What happened in the box, so that another order of the same gives another number.
  void trace(const std::string& box_id, int what);

  const TallyRules rules_;
  Offset folded_to_;
  Table<tally::Box> boxes_;
  Table<tally::Member> members_;
  OrderIndex<tally::Member, ByTimes> by_times_;
};

// Its rules as somebody has mended them under the same version, as is wrong and what one does
// first.
struct MendedTally : Tally {
  explicit MendedTally(Tables& tables) : Tally(tables, {.version = kVersion, .fails = false}) {}
};

// Of a later release of the program, which may have mended them.
struct NextTally : Tally {
  static constexpr int kVersion = 2;
  explicit NextTally(Tables& tables, bool fails = true)
      : Tally(tables, {.version = kVersion, .fails = fails}) {}
};
struct MendedNextTally : NextTally {
  explicit MendedNextTally(Tables& tables) : NextTally(tables, false) {}
};

}  // namespace sluice
