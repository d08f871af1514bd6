#pragma once

// One key as the view shows it, and what its rows follow from, both at one position.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/descriptors/domain.h"
#include "storage/postgres/key_rows.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/replay/folded_history.h"
#include "tools/sluice/replay/key_history.h"
#include "tools/sluice/replay/replayed_key.h"

namespace sluice {

// Where a key's history is looked for. All are borrowed.
struct KeySources {
  const std::string& postgres;  // URL
  const std::string& data;      // folder of the state; empty: the owner of the partition is asked
  Log& log;
  std::uint64_t memory = std::uint64_t{512} << 20;  // bytes, where a whole partition is folded
};

// The live generation of a projection. Misconfigured: readers see rows by other rules than this
// program's.
[[nodiscard]] Generation own_live_generation(const std::string& postgres,
                                             const Projection& projection);

// For people, where KeyRefold::by_other_rules().
[[nodiscard]] std::string told_of_other_rules(const std::string& projection);

// One thread. Throws what reading throws, and Corrupt where view and history contradict each other.
class ViewedKey {
 public:
  ViewedKey(const KeyPlace& place, const KeySources& sources);

  // Where the view is now, and the history up to there at least. `until` as KeyHistory::mark has
  // it.
  [[nodiscard]] KeyHistory find_history(std::optional<Time> until = std::nullopt);

  // `replayed` is folded up to view(): folds on what came since, and begins a snapshot of the view
  // at the position up to which it is then. Folding takes as long as it takes, and a snapshot keeps
  // dead rows from being taken away: it is begun when little is left to fold.
  void begin_comparison(ReplayedKey& replayed, PartitionRecords& records, KeyTrace* trace);

  // As it was found last.
  [[nodiscard]] const ViewPosition& view() const { return view_; }
  [[nodiscard]] KeyRows& rows() { return rows_; }
  // How the key's rows that readers see differ from those of `replayed`, in that snapshot.
  [[nodiscard]] std::vector<KeyDifference> differences(const Domain& domain, ReplayedKey& replayed);

 private:
  enum class Look { at_the_view, in_a_snapshot };

  [[nodiscard]] KeyHistory find(Look look, std::optional<Time> until);
  [[nodiscard]] std::optional<KeyHistory> indexed_history(std::optional<Time> until);
  [[nodiscard]] KeyHistory require_same(KeyHistory history) const;

  const KeyPlace place_;
  const KeySources sources_;
  KeyRows rows_;
  PgConnection asking_;
  ViewPosition view_;
  bool may_catch_up_ = false;
  std::optional<FoldedHistory> folded_;  // where there is no index
};

}  // namespace sluice
