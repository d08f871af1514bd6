#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "projectors/engine/audit/key_look.h"
#include "projectors/engine/audit/partition_audit.h"
#include "storage/memory/memory_audit.h"
#include "tests/simulation/two_sides.h"

namespace sluice {

// So small that some tens of records are slices and ranges several times over.
inline constexpr PartitionAudit::Limits kSmallAudit{.postings = 6, .rows = 3};
// Every key with more than a few records is folded apart, and compared by ranges of two rows.
inline constexpr PartitionAudit::Limits kLargeAudit{
    .postings = 6, .rows = 3, .of_one_key = 4, .large = {.postings = 5, .rows = 2}};

// A store for what an audit folds apart, in memory.
[[nodiscard]] std::shared_ptr<StateStore> scratch_store();

// A tally with its log, view and state, what may happen to it, and an audit that goes on meanwhile.
// The log has another partition: of its only box this one gets misrouted records, and the view has
// rows, which are nothing to audit here.
class AuditedWorld {
 public:
  // `calm`: no rule fails, and nothing waits in quarantine.
  explicit AuditedWorld(std::uint64_t seed, bool calm = false,
                        const PartitionAudit::Limits& limits = kSmallAudit);

  // Another program of the same version goes on, whose rules are these.
  void run(const Projection& rules);

  // As when the process has begun anew: the book is what is left.
  void begin_audit();

  [[nodiscard]] int below(int bound);
  [[nodiscard]] bool chance(int percent) { return below(100) < percent; }

  void happen();

  // All keys at once, while things go on. nullopt: state and view were not at one position.
  std::optional<KeyLook::Seen> look();

  // One step, while things go on.
  void audit();
  void round();
  void settle();

  using Places = std::set<std::string>;  // "view changed box {...}"
  static std::string place(RowFault::Side side, RowFault::What what,
                           const google::protobuf::Message& row);
  [[nodiscard]] Places found();

  // Some rows; which is told. What is changed twice is left alone the second time.
  Places tamper();
  // All that was done to rows is undone.
  void restore();
  void look_again();

  // A row of a box under bytes that are no key: cut behind the box, or in it.
  void put_damaged(const std::string& box, bool behind_box);

  [[nodiscard]] MemoryAuditBook& book() { return book_; }
  [[nodiscard]] PartitionAudit& audited() { return *audit_; }
  [[nodiscard]] Pair& pair() { return pair_; }
  [[nodiscard]] std::int64_t position() { return pair_.tally.views.position(kOnly).position.value; }

  static constexpr const char* kForeign = "box2";
  void misroute();

 private:
  static constexpr int kPartitions = 2;
  static constexpr std::array kBoxes{"box0", "box1", "box4", "box5", "box11"};

  std::string box() { return kBoxes[static_cast<std::size_t>(below(5))]; }
  std::string member() { return "m" + std::to_string(below(6)); }
  std::string id() { return "e" + std::to_string(chance(10) ? below(30) : next_id_++); }

  void add();
  void expel();
  void repair();
  void decide();
  void crash();

  // Between the view's snapshot and this all may have moved on.
  std::unique_ptr<LentState> lend();
  LogRecord read(Offset offset);

  void put(RowFault::Side side, const google::protobuf::Message& row, bool gone);

  std::mt19937_64 random_;
  const bool calm_;
  const PartitionAudit::Limits limits_;
  Pair pair_{kPartitions};
  Projection projection_ = describe<Tally>("tally");
  MemoryAuditedView view_{pair_.tally.views};
  MemoryAuditBook book_;
  std::optional<MemoryStateStore> store_;
  std::optional<PartitionAudit> audit_;
  std::string key_;
  std::string value_;
  std::vector<std::function<void()>> undo_;
  bool busy_ = false;
  int next_id_ = 0;
};

}  // namespace sluice
