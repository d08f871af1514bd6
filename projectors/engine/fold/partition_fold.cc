#include "projectors/engine/fold/partition_fold.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "projectors/engine/fold/state_checkpoint.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "schemas/descriptors/rules.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/record_digest.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

}  // namespace

PartitionFold::PartitionFold(const Projection& projection, const Generation& generation,
                             Partition partition, StateStore& store, const DedupeShape& dedupe)
    : projection_(projection),
      generation_(generation),
      partition_(partition),
      opener_(projection.name, partition, generation.partitions),
      store_(store),
      tables_(store),
      parking_(tables_),
      receipts_(tables_),
      timers_(tables_),
      dedupe_(store, generation.dedupe_horizon, dedupe),
      index_(store),
      outbox_(projection.name, partition),
      emissions_(generation.tells_emissions ? std::make_optional<EmissionDigests>(tables_)
                                            : std::nullopt),
      rules_(projection.make(tables_)),
      quarantine_({projection.name, rules_->event(), generation_.quarantine_retention, parking_,
                   timers_, outcomes_}),
      facts_(*rules_, {tables_, timers_, dedupe_, outbox_, outcomes_, parking_, quarantine_,
                       failures_, index_, emissions_ ? &*emissions_ : nullptr}),
      waiting_({opener_, facts_, parking_, quarantine_, timers_, failures_, partition}) {
  outbox_.expect(projection.emits);
  if (emissions_) outbox_.note_all();
  tables_.belong_to(partition, generation.partitions);
}

std::optional<StateCheckpoint> PartitionFold::stored() {
  std::optional<StateCheckpoint> checkpoint = stored_checkpoint(store_);
  if (checkpoint && (checkpoint->generation_id() != generation_.unique_id ||
                     checkpoint->version() != projection_.version)) {
    return std::nullopt;
  }
  return checkpoint;
}

void PartitionFold::load() {
  failures_.clear();
  dedupe_.reload();
  load_rows();
  index_.load(checkpoint_.key_index());
}

void PartitionFold::load_rows() {
  unwritten_ = 0;
  const std::optional<StateCheckpoint> found = stored();
  checkpoint_ = found.value_or(StateCheckpoint());
  // An index from the middle on would be taken for whole.
  if (!found) checkpoint_.set_key_index(generation_.key_index);
  checkpoint_.set_generation_id(generation_.unique_id);
  checkpoint_.set_version(projection_.version);
  facts_.set_record_time(Time{milliseconds(checkpoint_.record_time())});
  parking_.load(checkpoint_);
  timers_.load();
}

void PartitionFold::reset() {
  store_.clear();
  drop();
  load();
}

void PartitionFold::drop() {
  tables_.drop();
  index_.forget_unwritten();
  outcomes_.clear();
  outbox_.clear();
}

// What was emitted may stand in its streams already, where a flush has failed behind that: folded
// again it is emitted again, the same records in the same order, which receivers know.
void PartitionFold::rewind(const RulesFailed& failed) {
  failures_.add(failed, position());
  drop();
  dedupe_.forget_unwritten();
  load_rows();
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
  checkpoint_.set_position(at.value);
  ++unwritten_;
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
  repair_.clear();
  LogRecord taken = record;
  // What a producer claims may neither move time nor age anything.
  if (!record.stamped_by_log) taken.appended_at = record_time();
  fold_record(taken);
  // What a record brings grows rows by about as much.
  outcomes_.bytes += record.value.size();
  checkpoint_.set_position(record.offset.next().value);
  checkpoint_.set_digest(digest_of(record).value);
  ++unwritten_;
}

void PartitionFold::refresh() {
  tables_.make_for({});
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
  tables_.write_dirty(batch);
  dedupe_.write(batch, position(), record_time());
  index_.write(batch, position());
  checkpoint_.set_record_time(record_time().time_since_epoch().count());
  parking_.note(checkpoint_);
  batch.put(kCheckpointKey, checkpoint_.SerializeAsString());
}

void PartitionFold::written() {
  tables_.mark_clean();
  outcomes_.clear();
  outbox_.clear();
  failures_.written(position());
  unwritten_ = 0;
}

void PartitionFold::fold_record(const LogRecord& record) {
  const OpenRecord open = opener_.open(record, record.offset, at_hand_);
  return index_.kept() ? fold_indexed(open) : fold_open(open);
}

// A discard names a record, and not always its key; where it does, it concerns no other.
std::optional<std::string> PartitionFold::discarded_key(const OpenRecord& open) const {
  const Control* control = open.envelope.control;
  if (control == nullptr || !control->has_discard() || !open.key.empty()) return std::nullopt;
  return parking_.key_at(Offset{control->discard().offset()});
}

void PartitionFold::fold_indexed(const OpenRecord& open) {
  const Time before = record_time();
  const std::optional<std::string> discarded = discarded_key(open);
  index_.meet(open.record.offset, discarded ? *discarded : open.key, before);
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
  index_.add(posting);
}

void PartitionFold::fold_open(const OpenRecord& open) {
  const LogRecord& record = open.record;
  if (open.envelope.control != nullptr) return apply_control(open);
  if (auto why = opener_.misplaced(open)) return waiting_.quarantine(open, std::move(*why));
  // Taken on arrival, whatever becomes of it: one that waits in quarantine is then the only one of
  // its kind, and those behind it for other keys go on.
  const Origin* origin = open.envelope.origin;
  const bool taken_before = origin != nullptr && (known_repeat_ || !receipts_.take(*origin));
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
  if (parking_.parked(open.key) || !record.stamped_by_log) return waiting_.park(open);
  if (failures_.of_fact(open.folds_at, record.offset) != nullptr) return waiting_.park(open);
  if (auto why = facts_.decode(open)) return waiting_.quarantine(open, std::move(*why));
  moved_time_ = waiting_.move_time(open);
  if (!moved_time_) return waiting_.park(open);
  const std::uint64_t duplicates = outcomes_.duplicates;
  facts_.fold(open);
  repeated_ = outcomes_.duplicates > duplicates;
}

std::optional<Postings> PartitionFold::postings(std::string_view key) {
  if (!index_.kept()) return std::nullopt;
  Postings all = postings_of(
      [this](std::string_view from, std::string_view to) { return store_.scan(from, to); }, key,
      position());
  const Postings unwritten = index_.unwritten(key);
  all.insert(all.end(), unwritten.begin(), unwritten.end());
  return all;
}

}  // namespace sluice
