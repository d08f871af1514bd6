#include "tools/sluice/verification/view_comparison.h"

#include <chrono>
#include <thread>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr int kShown = 20;  // rows of a table
// While the view moves on, it is followed until this few records are missing, at most so often.
constexpr std::uint64_t kNear = 100'000;
constexpr int kRounds = 4;
// For something computed to be computed anew.
constexpr std::chrono::seconds kPatience{120};
constexpr std::chrono::milliseconds kBetweenTries{200};

using RowTypes = std::vector<const google::protobuf::Descriptor*>;

// The bulk without a snapshot, which would keep Postgres from vacuuming.
void follow(RefoldedView& refolded, PublishedRows& rows, const RowTypes& tables, bool shown) {
  for (int round = 0; round < kRounds; ++round) {
    const Targets targets = rows.positions();
    const bool near = refolded.behind(targets) <= kNear;
    (void)refolded.expect(rows.as_ofs(tables));
    refolded.reach(targets, shown && round == 0);
    refolded.resume();
    if (near) return;
  }
}

// To one snapshot of the view. Rows computed of a busy key lag behind the fold and may claim a
// position that the refold has passed: then the refold waits until the view has computed them anew.
void catch_up(RefoldedView& refolded, PublishedRows& rows, const RowTypes& tables) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    rows.begin_snapshot();
    const Targets targets = rows.positions();
    const std::string too_late = refolded.expect_last(rows.as_ofs(tables), targets);
    if (too_late.empty()) return refolded.reach(targets, false);
    rows.end_snapshot();
    refolded.heed_interrupt();
    if (std::chrono::steady_clock::now() > deadline) {
      throw Retryable("nothing was decided: what is computed of " + too_late +
                      " is older than what was folded by now, and is not computed anew: sluice "
                      "status says whether computations fail; then try again");
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace

std::vector<TableComparison> compare_view(RefoldedView& refolded, PublishedRows& rows,
                                          const RowTypes& tables, bool shown) {
  follow(refolded, rows, tables, shown);
  catch_up(refolded, rows, tables);
  std::vector<TableComparison> all;
  for (const auto* row : tables) {
    all.push_back({table_name(*row), refolded.compare(rows, *row, kShown)});
  }
  all.push_back({"sluice.decision", refolded.compare_decisions(rows, kShown)});
  return all;
}

std::string describe(const TableComparison& comparison) {
  std::string text;
  for (const RowDifference& d : comparison.rows.first) {
    text += d.table + " [" + d.key + "]" + (d.column.empty() ? "" : " ") + d.column +
            ": expected " + d.expected + ", found " + d.found + "\n";
  }
  if (comparison.rows.differences > kShown) {
    text += comparison.table + ": " + std::to_string(comparison.rows.differences - kShown) +
            " more rows differ\n";
  }
  return text;
}

}  // namespace sluice
