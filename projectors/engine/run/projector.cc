#include "projectors/engine/run/projector.h"

#include <algorithm>
#include <utility>

#include "projectors/engine/run/partition_label.h"
#include "storage/base/check.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/base/record_digest.h"

namespace sluice {
namespace {

std::string text(Offset offset) { return std::to_string(offset.value); }

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
      owner_(std::move(owner)),
      parts_(std::move(parts)),
      label_(partition_label(projection.name, generation.number, generation.live, partition)),
      name_(std::string(projection.name) + " partition " + std::to_string(partition.value)),
      fold_anew_("let `sluice schema apply --refold " + std::string(projection.name) +
                 "` fold anew what there is (docs/start_checks.md)"),
      fold_(projection, indexed(generation, parts_.limits.key_index), partition, parts_.store,
            parts_.limits.dedupe),
      choice_({generation.unique_id, projection.version, label_}, parts_.snapshots,
              recovery_.refused),
      account_({label_, name_, generation.live, parts_.limits.parked_limit, parts_.wall},
               parts_.probe),
      rows_(fold_.tables()) {
  fold_.tables().share_orders(parts_.memory.orders());
  fold_.state().index().set_shape(parts_.limits.index);
  fold_.set_parked_limit(parts_.limits.parked_limit);
  if (projection.computed == nullptr) return;
  computed_ = std::make_unique<ComputedPartition>(*projection.computed, parts_.computations,
                                                  fold_.tables(), label_);
}

void Projector::stop(const std::string& why) const {
  throw Corrupt(name_ + " is stopped, nothing was changed: " + why);
}

Offset Projector::claim(LogRange log) {
  view_ = parts_.sink.claim(partition_, owner_);
  CHECK(view_.loaded || parts_.builder != nullptr, "who builds in bulk can load");
  crash_point(CrashPoint("claim.owned"));
  require_same_log();
  if (log.end < view_.known()) {
    stop("the log ends at " + text(log.end) + " and the view was folded up to " +
         text(view_.known()) + ": the topic lost records or was made anew. Restore the topic, or " +
         fold_anew_);
  }
  log_ = log;
  recovery_ = {};
  choice_.begin_anew();
  begun_from_.clear();
  begin(Restores::beside);
  if (!to_check_) begin_computing();
  return reads_from();
}

void Projector::require_same_log() const {
  if (!view_.log) return;
  const std::optional<LogIdentity> found = parts_.log_identity();
  if (!found || found == view_.log) return;
  stop("the view stands on the log " + std::string(view_.log->short_form()) +
       ", and what has its name now is " + std::string(found->short_form()) +
       ": the topic was deleted and made anew, or this is another cluster. Restore the topic, or " +
       fold_anew_);
}

// Once something was folded the log has what tells it, if it has that at all.
void Projector::note_log() {
  if (view_.log || asked_for_log_) return;
  view_.log = parts_.log_identity();
  asked_for_log_ = true;
}

// State behind the view is replayed up to it; in the place of one that is ahead of it (the view was
// restored from a backup) or of other rules comes the newest snapshot that may be begun from, or
// nothing. While rows are in state alone, the view knows of it by what it was told.
void Projector::begin(Restores how) {
  std::optional<StateCheckpoint> stored;
  if (begun_from_.empty()) stored = stored_or_damaged();
  // A state that has published more than its view knows is ahead of it, wherever both stand.
  if (stored &&
      (stored->position() > view_.known().value || stored->published() > view_.published)) {
    stored.reset();
  }
  begun_from_.clear();
  if (stored && Offset{stored->position()} == view_.known() &&
      Digest{stored->digest()} != view_.digest) {
    const std::string path = choice_.snapshot_of(view_.known(), Digest{stored->digest()});
    if (!path.empty()) {
      choice_.refuse(path, SnapshotFault::log);
      stored.reset();
    }
  }
  Recovery::From from = stored ? Recovery::From::state : Recovery::From::start;
  if (!stored) {
    if (const std::optional<KeptSnapshot> kept = restore_newest(how)) {
      begun_from_ = kept->path;
      from = Recovery::From::snapshot;
      stored = fold_.state().stored();
    }
  }
  const Offset start{stored ? stored->position() : 0};
  const LogRange log = log_;
  if (log.begin > start) {
    stop(
        "the log begins at " + text(log.begin) + " and folding must go on at " + text(start) +
        ": retention took records that were still needed. Restore them, or a state that reaches as "
        "far, or " +
        fold_anew_);
  }
  if (stored && start == view_.known() && Digest{stored->digest()} != view_.digest) {
    stop("state and view are both at " + text(start) +
         " but were folded from different records: one of them belongs to another log. Restore the "
         "one that does, or " +
         fold_anew_);
  }
  to_check_.reset();
  if (start > log.begin) to_check_ = Offset{start.value - 1};
  if (stored) {
    fold_.drop();
    fold_.load();
  } else {
    fold_.reset();
    crash_point(CrashPoint("claim.state_cleared"));
  }
  written_ = fold_.position();
  recovery_ = {from, written_, 0, {}, std::move(recovery_.refused)};
}

// While the state is behind the view, or its rows are not there, what it says is not to be
// published.
void Projector::begin_computing() {
  if (computed_ && !replaying() && !in_bulk()) computed_->begin(written_);
}

void Projector::check_against_log(const LogRecord& record, Offset expected) {
  if (record.offset != expected || digest_of(record) != fold_.digest()) {
    if (refuses_begun_snapshot()) return;
    stop("the record at " + text(expected) +
         " is not the one that was folded: the log lost its tail and grew again, or the topic was "
         "made anew. Restore the topic, or " +
         fold_anew_);
  }
  to_check_.reset();
}

std::optional<Offset> Projector::awaited() const {
  if (to_check_) return to_check_;
  return replaying() ? std::optional(Offset{view_.known().value - 1}) : std::nullopt;
}

void Projector::stop_at_missing_record() const {
  stop("the log has no record at " + text(awaited().value_or(Offset{-1})) +
       ", which the view was folded from: the topic lost records or was made anew. Restore the "
       "topic, or " +
       fold_anew_);
}

void Projector::fold(const LogRecord& record) {
  CHECK(!in_doubt_, "an unsettled flush is settled before anything else is folded");
  CHECK(!repaired_, "what a repair writes is of its own position");
  if (to_check_) {
    check_against_log(record, *to_check_);
    if (!to_check_) begin_computing();
    return;
  }
  const bool replays = replaying();
  if (replays && record.offset >= view_.known()) stop_at_missing_record();
  // What the view has was emitted before it got there.
  const bool emits = generation_.live && !replays && record.offset >= view_.emits_from;
  const bool first = !pending();
  account_.meets(record);
  intact_ = false;
  const bool folded = fold_.fold(record, emits ? Emits::sent : Emits::dropped);
  if (const std::string key = fold_.take_repair(); !key.empty()) repair(key);
  intact_ = true;
  show_held();
  if (!folded) return;
  account_.folded(record, first && !replays);
  if (!replays) return;
  ++recovery_.records;
  if (fold_.position() == view_.known()) return finish_replay();
  if (full()) write_replayed();
}

// Exactly at the view's position: from here on what changes is to be flushed, and nothing of what
// was replayed.
void Projector::finish_replay() {
  if (fold_.digest() != view_.digest) {
    stop("replaying the log up to " + text(view_.known()) +
         " ends with another record than the view was folded from: the log lost its tail and grew "
         "again, or the topic was made anew");
  }
  write_replayed();
  crash_point(CrashPoint("replay.finished"));
  begin_computing();
}

void Projector::note_due() {
  if (!computed_) return;
  intact_ = false;
  computed_->note(written_);
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
  fold_.state().set_published(view_.published);
  fold_.write(batch_);
  if (computed_) {
    computed_->write(batch_, fold_.position());
  } else {
    parts_.store.write(batch_);
  }
  batch_.clear();
  written_ = fold_.position();
  if (computed_) computed_->offer();
  fold_.written();
  intact_ = true;
  shrink();
}

void Projector::tell_flushed(bool visible) {
  account_.tell(fold_, rows_.all(), computed_ ? computed_->publishing() : no_computed(), visible);
}

void Projector::show_held() { held_.holds(fold_.tables().row_bytes()); }

void Projector::shrink() {
  fold_.tables().shrink_to(parts_.memory.at_hand());
  show_held();
}

void Projector::maintain() {
  // Another partition may have become busy, and what is held be too much.
  if (replaying()) {
    if (full()) write_replayed();
    return;
  }
  if (in_bulk() || pending()) return;
  if (computed_) computed_->schedule();
  if (fold_.tables().row_bytes() > parts_.memory.at_hand()) shrink();
}

void Projector::rest() {
  if (!settled() || pending() || !parts_.memory.scarce()) return;
  if (fold_.tables().row_bytes() <= parts_.memory.quiet()) return;
  fold_.tables().shrink_to(parts_.memory.quiet());
  show_held();
}

bool Projector::full() const {
  const Tables& tables = fold_.tables();
  const Outbox& outbox = fold_.outbox();
  return fold_.wants_write() || repaired_ ||
         tables.dirty_rows() + outbox.records().size() >= parts_.limits.dirty_rows ||
         tables.dirty_bytes() + fold_.outcomes().bytes + outbox.bytes() +
                 fold_.state().index().bytes() >=
             parts_.memory.changed();
}

void Projector::flush(Offset log_end) {
  if (in_doubt_) return resolve_in_doubt();
  if (in_bulk()) return write_bulk(log_end);
  if (computed_ && !replaying()) computed_->take();
  if (!pending() && (!computed_ || computed_->publishing().empty())) return;
  note_log();
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
          view_.published + (publishes ? 1 : 0)});
}

// Rows before state: a crash in between leaves state behind the view, which replay repairs; the
// reverse would cost a full refold.
void Projector::commit(const InDoubtFlush& flush) {
  crash_point(CrashPoint("flush.before"));
  rows_.collect(fold_.tables());
  const Outcomes& outcomes = fold_.outcomes();
  const ComputedRows* const repaired = repaired_ ? &*repaired_ : nullptr;
  const std::span<const ComputedRows* const> repairs(&repaired, repaired_ ? 1 : 0);
  const FlushBatch batch{.partition = partition_,
                         .owner = owner_,
                         .live = generation_.live,
                         .from = view_.position,
                         .digest_at_from = view_.digest,
                         .to = flush.to,
                         .digest_at_to = flush.digest,
                         .log = view_.log,
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
                         .published_at_from = view_.published,
                         .became_due = computed_ ? computed_->became_due() : no_keys(),
                         .caught_up = computed_ ? computed_->caught_up() : no_keys()};
  CHECK(batch.from < batch.to || (batch.from == batch.to && !batch.computed.empty()),
        "a flush moves the position on, or publishes what was computed");
  if (parts_.sink.flush(batch) == FlushOutcome::in_doubt) {
    in_doubt_ = flush;
    return;
  }
  committed(flush);
}

void Projector::committed(const InDoubtFlush& flush) {
  crash_point(CrashPoint("flush.committed"));
  in_doubt_.reset();
  view_.position = flush.to;
  view_.digest = flush.digest;
  view_.published = flush.published;
  account_.shown();
  repaired_.reset();
  tell_flushed();
  if (computed_) computed_->told();
  write_state();
  crash_point(CrashPoint("flush.state_written"));
}

// What the view says decides: at `to` the commit went through; still at `from`, the same flush
// again (the first may yet commit: then the compare-and-set makes this one Fenced, and the
// partition is taken again); anything else, or another owner: Fenced.
void Projector::resolve_in_doubt() {
  CHECK(in_doubt_.has_value(), "there is a flush to settle");
  const std::optional<ViewPosition> now = parts_.sink.position(partition_);
  if (!now || now->owner != owner_) throw Fenced(name_ + " has another owner");
  const InDoubtFlush flush = *in_doubt_;
  if (flush.loads && !now->loaded) return commit_load(flush);
  if (flush.loads && now->position == flush.to && now->digest == flush.digest) {
    return loaded(flush);
  }
  if (now->position == flush.to && now->digest == flush.digest &&
      now->published == flush.published) {
    return committed(flush);
  }
  if (now->position != view_.position || now->digest != view_.digest ||
      now->published != view_.published) {
    throw Fenced(name_ + " was moved by another owner");
  }
  commit(flush);
}

}  // namespace sluice
