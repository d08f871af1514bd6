// Folding into state alone, of a generation that nobody sees yet, and loading its rows at once.

#include <algorithm>
#include <memory>
#include <utility>

#include "projectors/engine/run/projector.h"
#include "projectors/engine/tables/stored_rows.h"
#include "storage/base/check.h"
#include "storage/base/crash_point.h"

namespace sluice {

// Before the state, which does not keep what was refused: a crash in between tells the same again,
// which changes nothing.
void Projector::write_bulk(Offset log_end) {
  if (!pending()) return;
  const Outcomes& outcomes = fold_.outcomes();
  parts_.builder->note({.partition = partition_,
                        .owner = view_.owner(),
                        .folded = fold_.position(),
                        .digest = fold_.digest(),
                        .log_end = std::max(log_end, fold_.position()),
                        .rejections = outcomes.rejections,
                        .quarantined = outcomes.quarantined,
                        .unquarantined = outcomes.unquarantined,
                        .aged_out = outcomes.aged_out,
                        .decisions = outcomes.decisions});
  crash_point(CrashPoint("bulk.noted"));
  view_.told(fold_.position(), fold_.digest());
  tell_flushed(false);
  note_due();
  write_state();
}

// What was refused further on is told already, and would be seen beside rows that are older.
bool Projector::may_load() const { return in_bulk() && !in_doubt() && !awaited(); }

void Projector::load(Offset log_end, double share) {
  CHECK(may_load(), "rows are loaded once, and not before what was refused");
  // A view into which nothing was folded stands on no log yet.
  if (fold_.position() > Offset{0}) view_.note_log(parts_.log_identity);
  write_bulk(log_end);
  commit_load({fold_.position(), fold_.digest(), std::max(log_end, fold_.position()),
               view_.at().published, true, share});
}

void Projector::commit_load(const OwnedView::Move& flush) {
  crash_point(CrashPoint("load.before"));
  std::vector<std::unique_ptr<StoredRows>> rows;
  std::vector<TableSource> tables;
  for (const auto& table : fold_.tables().all()) {
    if (!table->published()) continue;
    rows.push_back(std::make_unique<StoredRows>(parts_.store, table->prototype()));
    tables.push_back({&table->row_type(), [stored = rows.back().get()] { return stored->next(); }});
  }
  const LoadBatch batch{.partition = partition_,
                        .owner = view_.owner(),
                        .to = flush.to,
                        .digest = flush.digest,
                        .log = view_.at().log,
                        .record_time = fold_.record_time(),
                        .log_end = flush.log_end,
                        .share = flush.share,
                        .tables = tables,
                        .due = computed_ ? computed_->stored_due() : nullptr};
  if (parts_.builder->load(batch) == FlushOutcome::in_doubt) return view_.doubt(flush);
  loaded(flush);
}

void Projector::loaded(const OwnedView::Move& flush) {
  crash_point(CrashPoint("load.committed"));
  view_.moved(flush);
  begin_computing();
}

}  // namespace sluice
