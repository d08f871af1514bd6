#include "projectors/engine/run/projector.h"

#include <algorithm>
#include <utility>

#include "projectors/engine/run/partition_label.h"
#include "storage/base/check.h"
#include "storage/base/crash_point.h"

namespace sluice {
namespace {

std::span<const ComputedRows* const> no_computed() { return {}; }
std::span<const std::string> no_keys() { return {}; }

Generation indexed(Generation generation, bool index) {
  generation.key_index = generation.key_index && index;
  return generation;
}

}  // namespace

Projector::Projector(const Projection& projection, const Generation& generation,
                     Partition partition, std::string owner, ProjectorParts parts)
    : projection_(projection),
      generation_(generation),
      partition_(partition),
      parts_(std::move(parts)),
      label_(partition_label(projection.name, generation.number, generation.live, partition)),
      name_(std::string(projection.name) + " partition " + std::to_string(partition.value)),
      fold_(projection, indexed(generation, parts_.limits.key_index), partition, parts_.store,
            parts_.limits.dedupe),
      share_(fold_.tables(), parts_.memory),
      view_({partition, std::move(owner), name_}, parts_.sink),
      recovery_(
          {std::string(projection.name), name_, {generation.unique_id, projection.version, label_}},
          {fold_, view_.at(), parts_.snapshots, parts_.log_identity}),
      account_({label_, name_, generation.live, parts_.limits.parked_limit, parts_.wall},
               parts_.probe),
      rows_(fold_.tables()) {
  fold_.state().index().set_shape(parts_.limits.index);
  fold_.set_parked_limit(parts_.limits.parked_limit);
  if (projection.computed == nullptr) return;
  computed_ = std::make_unique<ComputedPartition>(*projection.computed, parts_.computations,
                                                  fold_.tables(), label_);
}

Offset Projector::claim(LogRange log) {
  view_.claim();
  CHECK(view_.at().loaded || parts_.builder != nullptr, "who builds in bulk can load");
  crash_point(CrashPoint("claim.owned"));
  recovery_.begin(log);
  if (!recovery_.to_check()) begin_computing();
  return reads_from();
}

// While the state is behind the view, or its rows are not there, what it says is not to be
// published.
void Projector::begin_computing() {
  if (computed_ && !replaying() && !in_bulk()) computed_->begin(written());
}

void Projector::fold(const LogRecord& record) {
  CHECK(!in_doubt(), "an unsettled flush is settled before anything else is folded");
  CHECK(!repaired_, "what a repair writes is of its own position");
  if (recovery_.to_check()) {
    recovery_.check(record);
    if (!recovery_.to_check()) begin_computing();
    return;
  }
  const bool replays = replaying();
  if (replays) recovery_.require_replayed(record.offset);
  // What the view has was emitted before it got there.
  const bool emits = generation_.live && !replays && record.offset >= view_.at().emits_from;
  const bool first = !pending();
  account_.meets(record);
  intact_ = false;
  const bool folded = fold_.fold(record, emits ? Emits::sent : Emits::dropped);
  if (const std::string key = fold_.take_repair(); !key.empty()) repair(key);
  intact_ = true;
  share_.show();
  if (!folded) return;
  account_.folded(record, first && !replays);
  if (!replays) return;
  if (recovery_.replayed()) return finish_replay();
  if (full()) write_replayed();
}

// Exactly at the view's position: from here on what changes is to be flushed, and nothing of what
// was replayed.
void Projector::finish_replay() {
  write_replayed();
  crash_point(CrashPoint("replay.finished"));
  begin_computing();
}

void Projector::note_due() {
  if (!computed_) return;
  intact_ = false;
  computed_->note(written());
  intact_ = true;
}

// What the view has.
void Projector::write_replayed() {
  note_due();
  write_state();
}

void Projector::write_state() {
  intact_ = false;
  if (computed_) computed_->published();
  fold_.state().set_published(view_.at().published);
  fold_.write(batch_);
  if (computed_) {
    computed_->write(batch_, fold_.position());
  } else {
    parts_.store.write(batch_);
  }
  batch_.clear();
  if (computed_) computed_->offer();
  fold_.written();
  intact_ = true;
  share_.shrink();
}

void Projector::tell_flushed(bool visible) {
  account_.tell(fold_, rows_.all(), computed_ ? computed_->publishing() : no_computed(), visible);
}

void Projector::maintain() {
  // Another partition may have become busy, and what is held be too much.
  if (replaying()) {
    if (full()) write_replayed();
    return;
  }
  if (in_bulk() || pending()) return;
  if (computed_) computed_->schedule();
  share_.shrink_if_above();
}

void Projector::rest() {
  if (settled() && !pending()) share_.rest();
}

void Projector::hurry(bool hurries) {
  if (computed_) computed_->hurry(hurries);
}

std::optional<ComputedProgress> Projector::computed_progress() const {
  return computed_ ? computed_->progress() : std::nullopt;
}

std::optional<Time> Projector::oldest_unseen() const {
  return pending() ? account_.oldest_unseen() : std::nullopt;
}

bool Projector::settled() const {
  return intact() && !in_bulk() && !in_doubt() && !awaited() && written() == flushed();
}

bool Projector::full() const {
  const Tables& tables = fold_.tables();
  const Outbox& outbox = fold_.outbox();
  return fold_.wants_write() || repaired_ ||
         tables.dirty_rows() + outbox.records().size() >= parts_.limits.dirty_rows ||
         tables.dirty_bytes() + fold_.outcomes().bytes + outbox.bytes() +
                 fold_.state().index().unwritten_bytes() >=
             parts_.memory.changed();
}

void Projector::flush(Offset log_end) {
  if (in_doubt()) return resolve_in_doubt();
  if (in_bulk()) return write_bulk(log_end);
  if (computed_ && !replaying()) computed_->take();
  if (!pending() && (!computed_ || computed_->publishing().empty())) return;
  view_.note_log(parts_.log_identity);
  intact_ = false;
  fold_.refresh();
  intact_ = true;
  note_due();
  // Before the position that says so: a crash in between emits the same again, which receivers
  // drop.
  parts_.emitter.append(fold_.outbox());
  crash_point(CrashPoint("flush.emitted"));
  const bool publishes = computed_ && !computed_->publishing().empty();
  commit({fold_.position(), fold_.digest(), std::max(log_end, fold_.position()),
          view_.at().published + (publishes ? 1 : 0)});
}

// Rows before state: a crash in between leaves state behind the view, which replay repairs; the
// reverse would cost a full refold.
void Projector::commit(const OwnedView::Move& flush) {
  crash_point(CrashPoint("flush.before"));
  rows_.collect(fold_.tables());
  const Outcomes& outcomes = fold_.outcomes();
  const ComputedRows* const repaired = repaired_ ? &*repaired_ : nullptr;
  const std::span<const ComputedRows* const> repairs(&repaired, repaired_ ? 1 : 0);
  const ViewPosition& view = view_.at();
  const FlushBatch batch{.partition = partition_,
                         .owner = view_.owner(),
                         .live = generation_.live,
                         .from = view.position,
                         .digest_at_from = view.digest,
                         .to = flush.to,
                         .digest_at_to = flush.digest,
                         .log = view.log,
                         .record_time = fold_.record_time(),
                         .log_end = flush.log_end,
                         .rows = rows_.all(),
                         .rejections = outcomes.rejections,
                         .quarantined = outcomes.quarantined,
                         .unquarantined = outcomes.unquarantined,
                         .aged_out = outcomes.aged_out,
                         .decisions = outcomes.decisions,
                         .computed = computed_ ? computed_->publishing() : no_computed(),
                         .repaired = repairs,
                         .published_at_from = view.published,
                         .became_due = computed_ ? computed_->became_due() : no_keys(),
                         .caught_up = computed_ ? computed_->caught_up() : no_keys()};
  CHECK(batch.from < batch.to || (batch.from == batch.to && !batch.computed.empty()),
        "a flush moves the position on, or publishes what was computed");
  if (parts_.sink.flush(batch) == FlushOutcome::in_doubt) return view_.doubt(flush);
  committed(flush);
}

void Projector::committed(const OwnedView::Move& flush) {
  crash_point(CrashPoint("flush.committed"));
  view_.moved(flush);
  account_.shown();
  repaired_.reset();
  tell_flushed();
  if (computed_) computed_->told();
  write_state();
  crash_point(CrashPoint("flush.state_written"));
}

void Projector::resolve_in_doubt() {
  const bool went_through = view_.went_through();
  const OwnedView::Move flush = view_.in_doubt().value();
  if (flush.loads) return went_through ? loaded(flush) : commit_load(flush);
  return went_through ? committed(flush) : commit(flush);
}

}  // namespace sluice
