#include "projectors/engine/run/projector.h"

#include <algorithm>
#include <utility>

#include "projectors/engine/run/partition_label.h"
#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/base/record_digest.h"

namespace sluice {
namespace {

std::string text(Offset offset) { return std::to_string(offset.value); }

std::span<const ComputedRows* const> no_computed() { return {}; }

}  // namespace

Projector::Projector(const Projection& projection, const Generation& generation,
                     Partition partition, std::string owner, ProjectorLimits limits,
                     ProjectorParts parts)
    : partition_(partition),
      owner_(std::move(owner)),
      limits_(limits),
      live_(generation.live),
      store_(parts.store),
      sink_(parts.sink),
      emitter_(parts.emitter),
      builder_(parts.builder),
      probe_(parts.probe),
      memory_(parts.memory),
      wall_(std::move(parts.wall)),
      log_identity_(std::move(parts.log_identity)),
      label_(partition_label(projection.name, generation.number, generation.live, partition)),
      name_(std::string(projection.name) + " partition " + std::to_string(partition.value)),
      fold_anew_("let `sluice schema apply --refold " + std::string(projection.name) +
                 "` fold anew what there is (docs/start_checks.md)"),
      fold_(projection, generation, partition, parts.store, limits.dedupe) {
  fold_.tables().share_orders(memory_.orders());
  for (const auto& rows : fold_.tables().all()) {
    if (rows->published()) rows_.push_back({&rows->row_type(), {}, {}});
  }
  if (projection.computed == nullptr) return;
  computed_ = std::make_unique<ComputedPartition>(*projection.computed, parts.computations,
                                                  fold_.tables(), label_);
}

void Projector::stop(const std::string& why) const {
  throw Corrupt(name_ + " is stopped, nothing was changed: " + why);
}

Offset Projector::claim(LogRange log) {
  view_ = sink_.claim(partition_, owner_);
  CHECK(view_.loaded || builder_ != nullptr, "who builds in bulk can load");
  crash_point(CrashPoint("claim.owned"));
  require_same_log();
  if (log.end < view_.known()) {
    stop("the log ends at " + text(log.end) + " and the view was folded up to " +
         text(view_.known()) + ": the topic lost records or was made anew. Restore the topic, or " +
         fold_anew_);
  }
  begin(log);
  if (!to_check_) begin_computing();
  return reads_from();
}

void Projector::require_same_log() const {
  if (!view_.log) return;
  const std::optional<LogIdentity> found = log_identity_();
  if (!found || found == view_.log) return;
  stop("the view stands on the log " + std::string(view_.log->short_form()) +
       ", and what has its name now is " + std::string(found->short_form()) +
       ": the topic was deleted and made anew, or this is another cluster. Restore the topic, or " +
       fold_anew_);
}

// Once something was folded the log has what tells it, if it has that at all.
void Projector::note_log() {
  if (view_.log || asked_for_log_) return;
  view_.log = log_identity_();
  asked_for_log_ = true;
}

// State behind the view is replayed up to it, state ahead of it (the view was restored from a
// backup) or of other rules is folded again from the beginning. While rows are in state alone, the
// view knows of it by what it was told.
void Projector::begin(LogRange log) {
  const std::optional<StateCheckpoint> stored = fold_.stored();
  // A state that has published more than its view knows is ahead of it, wherever both stand.
  const bool usable =
      stored && stored->position() <= view_.known().value && stored->published() <= view_.published;
  const Offset start{usable ? stored->position() : 0};
  if (log.begin > start) {
    stop(
        "the log begins at " + text(log.begin) + " and folding must go on at " + text(start) +
        ": retention took records that were still needed. Restore them, or a state that reaches as "
        "far, or " +
        fold_anew_);
  }
  if (usable && start == view_.known() && Digest{stored->digest()} != view_.digest) {
    stop("state and view are both at " + text(start) +
         " but were folded from different records: one of them belongs to another log. Restore the "
         "one that does, or " +
         fold_anew_);
  }
  to_check_.reset();
  if (start > log.begin) to_check_ = Offset{start.value - 1};
  if (usable) {
    fold_.drop();
    fold_.load();
  } else {
    fold_.reset();
    crash_point(CrashPoint("claim.state_cleared"));
  }
  written_ = fold_.position();
  recovery_ = {usable ? Recovery::From::state : Recovery::From::start, written_, 0, {}};
}

// While the state is behind the view, or its rows are not there, what it says is not to be
// published.
void Projector::begin_computing() {
  if (computed_ && !replaying() && !in_bulk()) computed_->begin(written_);
}

void Projector::check_against_log(const LogRecord& record) {
  if (record.offset != *to_check_ || digest_of(record) != fold_.digest()) {
    stop("the record at " + text(*to_check_) +
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
  if (to_check_) {
    check_against_log(record);
    return begin_computing();
  }
  const bool replays = replaying();
  if (replays && record.offset >= view_.known()) stop_at_missing_record();
  // What the view has was emitted before it got there.
  const bool emits = live_ && !replays && record.offset >= view_.emits_from;
  const bool first = !pending();
  intact_ = false;
  const bool folded = fold_.fold(record, emits ? Emits::sent : Emits::dropped);
  intact_ = true;
  show_held();
  if (!folded) return;
  if (record.stamped_by_log) newest_folded_ = record.appended_at;
  if (!replays) {
    if (first) oldest_unseen_ = newest_folded_;
    return;
  }
  ++recovery_.records;
  if (fold_.position() == view_.known()) return finish_replay();
  if (full()) write_state();
}

// Exactly at the view's position: from here on what changes is to be flushed, and nothing of what
// was replayed.
void Projector::finish_replay() {
  if (fold_.digest() != view_.digest) {
    stop("replaying the log up to " + text(view_.known()) +
         " ends with another record than the view was folded from: the log lost its tail and grew "
         "again, or the topic was made anew");
  }
  write_state();
  crash_point(CrashPoint("replay.finished"));
  begin_computing();
}

void Projector::write_state() {
  intact_ = false;
  if (computed_) {
    computed_->note(written_);
    computed_->published();
  }
  fold_.set_published(view_.published);
  fold_.write(batch_);
  if (computed_) {
    computed_->write(batch_, fold_.position());
  } else {
    store_.write(batch_);
  }
  batch_.clear();
  written_ = fold_.position();
  if (computed_) computed_->offer();
  fold_.written();
  intact_ = true;
  shrink();
}

void Projector::show_held() { held_.holds(fold_.tables().row_bytes()); }

void Projector::shrink() {
  fold_.tables().shrink_to(memory_.at_hand());
  show_held();
}

void Projector::maintain() {
  // Another partition may have become busy, and what is held be too much.
  if (replaying()) {
    if (full()) write_state();
    return;
  }
  if (in_bulk() || pending()) return;
  if (computed_) computed_->schedule();
  if (fold_.tables().row_bytes() > memory_.at_hand()) shrink();
}

bool Projector::full() const {
  const Tables& tables = fold_.tables();
  const Outbox& outbox = fold_.outbox();
  return fold_.wants_write() ||
         tables.dirty_rows() + outbox.records().size() >= limits_.dirty_rows ||
         tables.dirty_bytes() + fold_.outcomes().bytes + outbox.bytes() >= memory_.changed();
}

void Projector::collect_rows() {
  erased_keys_.clear();
  std::size_t i = 0;
  for (const auto& table : fold_.tables().all()) {
    if (!table->published()) continue;
    RowChanges& changes = rows_[i++];
    changes.upserts.clear();
    changes.erased.clear();
    for (const RowSlot* slot : table->dirty_in_key_order()) {
      if (!slot->shown) continue;
      if (slot->row) {
        changes.upserts.push_back(slot->row);
        continue;
      }
      erased_keys_.emplace_back(table->prototype().New());
      row_key::set_key(*erased_keys_.back(), slot->key.view());
      changes.erased.push_back(erased_keys_.back().get());
    }
  }
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
  // Before the position that says so: a crash in between emits the same again, which receivers
  // drop.
  emitter_.append(fold_.outbox());
  crash_point(CrashPoint("flush.emitted"));
  const bool publishes = computed_ && !computed_->publishing().empty();
  commit({fold_.position(), fold_.digest(), std::max(log_end, fold_.position()),
          view_.published + (publishes ? 1 : 0)});
}

// Rows before state: a crash in between leaves state behind the view, which replay repairs; the
// reverse would cost a full refold.
void Projector::commit(const InDoubtFlush& flush) {
  crash_point(CrashPoint("flush.before"));
  collect_rows();
  const Outcomes& outcomes = fold_.outcomes();
  const FlushBatch batch{.partition = partition_,
                         .owner = owner_,
                         .live = live_,
                         .from = view_.position,
                         .digest_at_from = view_.digest,
                         .to = flush.to,
                         .digest_at_to = flush.digest,
                         .log = view_.log,
                         .record_time = fold_.record_time(),
                         .log_end = flush.log_end,
                         .rows = rows_,
                         .rejections = outcomes.rejections,
                         .quarantined = outcomes.quarantined,
                         .unquarantined = outcomes.unquarantined,
                         .aged_out = outcomes.aged_out,
                         .computed = computed_ ? computed_->publishing() : no_computed(),
                         .published_at_from = view_.published};
  CHECK(batch.from < batch.to || (batch.from == batch.to && !batch.computed.empty()),
        "a flush moves the position on, or publishes what was computed");
  if (sink_.flush(batch) == FlushOutcome::in_doubt) {
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
  newest_seen_ = newest_folded_;
  tell_flushed();
  write_state();
  crash_point(CrashPoint("flush.state_written"));
}

void Projector::tell_flushed(bool visible) {
  const RecordedTimes none;
  const Outcomes& outcomes = fold_.outcomes();
  PartitionCounts::ByName rows;
  for (const RowChanges& changes : rows_) {
    const std::uint64_t changed = changes.upserts.size() + changes.erased.size();
    if (changed > 0) rows.emplace(table_name(*changes.row), changed);
  }
  for (const ComputedRows* key : computed_ ? computed_->publishing() : no_computed()) {
    for (const ComputedRows::Table& table : key->tables) {
      if (!table.rows.empty()) rows[table_name(*table.row)] += table.rows.size();
    }
  }
  probe_.flushed(label_, {.records = fold_.unwritten(),
                          .folded = outcomes.folded,
                          .duplicates = outcomes.duplicates,
                          .quarantined = outcomes.quarantined.size(),
                          .changed_rows = fold_.tables().dirty_rows(),
                          .rejections = outcomes.rejections,
                          .rows = rows,
                          .recorded = visible ? outcomes.recorded : none,
                          .committed_at = wall_()});
}

// What the view says decides: at `to` the commit went through; still at `from`, the same flush
// again (the first may yet commit: then the compare-and-set makes this one Fenced, and the
// partition is taken again); anything else, or another owner: Fenced.
void Projector::resolve_in_doubt() {
  CHECK(in_doubt_.has_value(), "there is a flush to settle");
  const std::optional<ViewPosition> now = sink_.position(partition_);
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
