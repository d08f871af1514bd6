#pragma once

#include "projectors/engine/projection.h"
#include "tally/events.pb.h"
#include "tally/tables.pb.h"

namespace sluice {

class Tally {
 public:
  using Event = tally::Event;
  static constexpr int kVersion = 1;

  explicit Tally(Tables& tables) : boxes_(tables), members_(tables) {}

  static std::string_view key(const Event& event);
  static const Computed& computed();
  void fold(const Event& event, const Record& record, Effects& effects);
  void fire(const Timer& timer, Effects& effects);

 private:
  void add(const tally::MemberAdded& fact, const Record& record, Effects& effects);
  void remove(const tally::MemberRemoved& fact, Effects& effects);
  void empty(const tally::BoxEmptied& fact, Effects& effects);
  void set_stay(const tally::MemberAdded& fact, const Record& record, Effects& effects);
  void leave(const std::string& box_id, const std::string& member, Effects& effects);
  void expel(const tally::MemberExpelled& fact, Effects& effects);
  tally::Box& change(const std::string& box_id, int members);
  // What happened in the box, so that another order of the same gives another number.
  void trace(const std::string& box_id, int what);

  Offset folded_to_;
  Table<tally::Box> boxes_;
  Table<tally::Member> members_;
};

}  // namespace sluice
