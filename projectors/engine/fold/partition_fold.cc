#include "projectors/engine/fold/partition_fold.h"

#include <new>
#include <utility>

#include "schemas/descriptors/rules.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/record_digest.h"

namespace sluice {

PartitionFold::PartitionFold(const Projection& projection, const Generation& generation,
                             Partition partition, StateStore& store, const DedupeShape& dedupe)
    : projection_(projection),
      partition_(partition),
      opener_(projection.name, partition, generation.partitions),
      state_(projection, generation, partition, store, dedupe),
      outbox_(projection.name, partition),
      rules_(projection.make(state_.tables())),
      quarantine_({projection.name, rules_->event(), generation.quarantine_retention,
                   state_.parking(), state_.timers(), outcomes_}),
      facts_(*rules_,
             {state_.tables(), state_.timers(), state_.dedupe(), outbox_, outcomes_,
              state_.parking(), quarantine_, failures_, state_.index(), state_.emissions()}),
      waiting_(
          {opener_, facts_, state_.parking(), quarantine_, state_.timers(), failures_, partition}),
      decisions_({projection.name, partition, facts_, waiting_, state_.parking(), outcomes_}) {
  outbox_.expect(projection.emits);
  if (state_.emissions() != nullptr) outbox_.note_all();
}

void PartitionFold::load() {
  failures_.clear();
  state_.load();
  facts_.set_record_time(state_.record_time());
}

void PartitionFold::reset() {
  state_.clear();
  drop();
  load();
}

void PartitionFold::drop() {
  state_.drop();
  outcomes_.clear();
  outbox_.clear();
}

// What was emitted may stand in its streams already, where a flush has failed behind that: folded
// again it is emitted again, the same records in the same order, which receivers know.
void PartitionFold::rewind(const RulesFailed& failed) {
  failures_.add(failed, position());
  drop();
  state_.rewind();
  facts_.set_record_time(state_.record_time());
}

bool PartitionFold::fold(const LogRecord& record, Emits emits) {
  const RecordScope here(projection_.name, partition_.value, record.offset.value);
  CHECK(record.offset >= position(), "offsets of a partition ascend");
  try {
    fold_stamped(record, emits);
  } catch (const RulesFailed& failed) {
    rewind(failed);
    return false;
  }
  return true;
}

bool PartitionFold::pass(Offset at, Time record_time) {
  const RecordScope here(projection_.name, partition_.value, at.value);
  CHECK(at >= position(), "offsets of a partition ascend");
  try {
    outbox_.begin(at, false);
    facts_.set_record_time(record_time);
    facts_.fire_due(at);
  } catch (const RulesFailed& failed) {
    rewind(failed);
    return false;
  }
  // Not behind the record, by which more may come due.
  state_.move_to(at);
  return true;
}

bool PartitionFold::fold_repeated(const LogRecord& record) {
  known_repeat_ = true;
  const bool folded = fold(record, Emits::dropped);
  known_repeat_ = false;
  return folded;
}

void PartitionFold::fold_stamped(const LogRecord& record, Emits emits) {
  // Also of a record that waited and is released by this one: a source's positions never go back.
  outbox_.begin(record.offset, emits == Emits::sent);
  moved_time_ = repeated_ = false;
  LogRecord taken = record;
  // What a producer claims may neither move time nor age anything.
  if (!record.stamped_by_log) taken.appended_at = record_time();
  fold_record(taken);
  // What a record brings grows rows by about as much.
  outcomes_.bytes += record.value.size();
  state_.move_to(record.offset.next());
  state_.set_digest(digest_of(record));
}

void PartitionFold::refresh() {
  tables().make_for({});
  try {
    const RulesScope scope;
    rules_->refresh();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& failure) {
    throw Corrupt(
        std::string(projection_.name) + " partition " + std::to_string(partition_.value) +
        " is stopped, nothing was changed: refresh() of its rules failed: " + failure.what());
  }
}

void PartitionFold::write(StateBatch& batch) {
  refresh();
  state_.write(batch, record_time());
}

void PartitionFold::written() {
  state_.written();
  outcomes_.clear();
  outbox_.clear();
  failures_.written(position());
}

void PartitionFold::fold_record(const LogRecord& record) {
  const OpenRecord open = opener_.open(record, record.offset, at_hand_);
  return state_.index().kept() ? fold_indexed(open) : fold_open(open);
}

// A discard names a record, and not always its key; where it does, it concerns no other.
std::optional<std::string> PartitionFold::discarded_key(const OpenRecord& open) const {
  const Control* control = open.envelope.control;
  if (control == nullptr || !control->has_discard() || !open.key.empty()) return std::nullopt;
  return state_.parking().key_at(Offset{control->discard().offset()});
}

void PartitionFold::fold_indexed(const OpenRecord& open) {
  const Time before = record_time();
  const std::optional<std::string> discarded = discarded_key(open);
  state_.index().meet(open.record.offset, discarded ? *discarded : open.key, before);
  fold_open(open);
  Posting posting{.duplicate = repeated_};
  // What a producer stamped is bounded by record time, so that it cannot be told by that.
  if (!moved_time_ || !open.record.stamped_by_log) {
    posting.kind = Posting::Kind::still;
    posting.time = before.time_since_epoch().count();
  } else if (before > open.recorded_at) {
    posting.kind = Posting::Kind::late;
    posting.time = (before - open.recorded_at).count();
  }
  state_.index().add(posting);
}

void PartitionFold::fold_open(const OpenRecord& open) {
  const LogRecord& record = open.record;
  if (open.envelope.control != nullptr) {
    repeated_ = !decisions_.apply(open);
    return;
  }
  if (auto why = opener_.misplaced(open)) return waiting_.quarantine(open, std::move(*why));
  // Taken on arrival, whatever becomes of it: one that waits in quarantine is then the only one of
  // its kind, and those behind it for other keys go on.
  const Origin* origin = open.envelope.origin;
  const bool taken_before =
      origin != nullptr && (known_repeat_ || !state_.receipts().take(*origin));
  if (origin != nullptr && watch_ != nullptr) {
    watch_->met_origin(record.offset, *origin, taken_before);
  }
  if (taken_before) {
    ++outcomes_.duplicates;
    repeated_ = true;
    if (!is_storable(open.envelope.recorded_at.value_or(0))) return;
    moved_time_ = true;
    return facts_.move_time(open);
  }
  if (auto why = opener_.check_envelope(open)) return waiting_.quarantine(open, std::move(*why));
  if (state_.parking().parked(open.key) || !record.stamped_by_log) return waiting_.park(open);
  if (failures_.of_fact(open.folds_at, record.offset) != nullptr) return waiting_.park(open);
  if (auto why = facts_.decode(open)) return waiting_.quarantine(open, std::move(*why));
  moved_time_ = waiting_.move_time(open);
  if (!moved_time_) return waiting_.park(open);
  const std::uint64_t duplicates = outcomes_.duplicates;
  facts_.fold(open);
  repeated_ = outcomes_.duplicates > duplicates;
}

}  // namespace sluice
