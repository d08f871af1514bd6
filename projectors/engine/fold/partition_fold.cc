#include "projectors/engine/fold/partition_fold.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "projectors/engine/quarantine/erasure.h"
#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/subject.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/record_digest.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// The engine's own key in the store; tables' keys begin with 0x80 and above.
constexpr std::string_view kCheckpointKey = "head";

constexpr std::string_view kWaits = "waits behind an earlier record of its key";
constexpr std::string_view kUnstamped =
    "stamped by its producer and not by the log: set the topic's message.timestamp.type to "
    "LogAppendTime, then release it";

// Borrows from `parked`.
LogRecord log_record(const ParkedRecord& parked, Partition partition) {
  return {partition,
          Offset{parked.position()},
          Time{milliseconds(parked.appended_at())},
          parked.record_key(),
          parked.value(),
          !parked.unstamped()};
}

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
      outbox_(projection.name, partition),
      rules_(projection.make(tables_)),
      quarantine_({projection.name, rules_->event(), generation_.quarantine_retention, parking_,
                   timers_, outcomes_}),
      facts_(*rules_,
             {tables_, timers_, dedupe_, outbox_, outcomes_, parking_, quarantine_, failures_}) {
  tables_.belong_to(partition, generation.partitions);
}

std::optional<StateCheckpoint> PartitionFold::stored() {
  std::string bytes;
  if (!store_.get(kCheckpointKey, bytes)) return std::nullopt;
  StateCheckpoint checkpoint;
  if (!checkpoint.ParseFromString(bytes))
    throw Corrupt("the checkpoint of a partition's state cannot be read");
  if (checkpoint.generation_id() != generation_.unique_id ||
      checkpoint.version() != projection_.version) {
    return std::nullopt;
  }
  return checkpoint;
}

void PartitionFold::load() {
  failures_.clear();
  dedupe_.reload();
  load_rows();
}

void PartitionFold::load_rows() {
  unwritten_ = 0;
  checkpoint_ = stored().value_or(StateCheckpoint());
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

void PartitionFold::fold_stamped(const LogRecord& record, Emits emits) {
  // Also of a record that waited and is released by this one: a source's positions never go back.
  outbox_.begin(record.offset, emits == Emits::sent);
  folds_at_ = record.offset;
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
  const OpenRecord open = opener_.open(record, folds_at_, at_hand_);
  if (open.envelope.control != nullptr) return apply_control(open);
  if (auto why = opener_.misplaced(open)) return quarantine(open, std::move(*why));
  // Taken on arrival, whatever becomes of it: one that waits in quarantine is then the only one of
  // its kind, and those behind it for other keys go on.
  const Origin* origin = open.envelope.origin;
  if (origin != nullptr && !receipts_.take(*origin)) {
    ++outcomes_.duplicates;
    if (is_storable(open.envelope.recorded_at.value_or(0))) facts_.move_time(open);
    return;
  }
  if (auto why = opener_.check_envelope(open)) return quarantine(open, std::move(*why));
  if (parking_.parked(open.key) || !record.stamped_by_log) return park(open);
  if (failures_.of_fact(folds_at_, record.offset) != nullptr) return park(open);
  if (auto why = facts_.decode(open)) return quarantine(open, std::move(*why));
  if (!move_time(open)) return park(open);
  facts_.fold(open);
}

// False: a timer of the record's own key failed, which was due before the record's fact, so that
// this waits behind it.
bool PartitionFold::move_time(const OpenRecord& open) {
  facts_.move_time(open);
  return !parking_.timer(open.key);
}

void PartitionFold::apply_control(const OpenRecord& open) {
  const Control& control = *open.envelope.control;
  if (!open.record.stamped_by_log) {
    // Ticks are appended until one moves time.
    if (!control.has_tick()) quarantine(open, {std::string(kUnstamped), false});
    return;
  }
  switch (control.action_case()) {
    case Control::kTick:
      return facts_.move_time(open);
    case Control::kRelease:
      if (decided_before(open)) return;
      return release(open.key, open.record.appended_at, control.release());
    case Control::kDiscard:
      if (decided_before(open)) return;
      return discard(Offset{control.discard().offset()}, open.record.appended_at);
    case Control::ACTION_NOT_SET:
      return quarantine(open, {"a control record of an unknown kind", false});
  }
}

// A decision has its effect once, however often its record was appended; one without an id each
// time.
bool PartitionFold::decided_before(const OpenRecord& open) {
  return !open.envelope.id.empty() && facts_.counted_before(open);
}

// A record that its producer stamped is as if it were appended `now`.
OpenRecord PartitionFold::open_released(const ParkedRecord& parked, Time now) {
  LogRecord record = log_record(parked, partition_);
  if (!record.stamped_by_log) record.appended_at = now;
  record.stamped_by_log = true;
  return opener_.open(record, folds_at_, waiting_);
}

// The timers that wait under the key have their turns again, and fire. False: one has failed again.
bool PartitionFold::release_timers(std::string_view key) {
  const std::optional<Offset> first = parking_.timer(key);
  if (!first) return true;
  parking_.remove_timer(key);
  quarantine_.remove(*first);
  timers_.resume(key);
  facts_.fire_due(folds_at_);
  return !parking_.timer(key);
}

void PartitionFold::release(std::string_view key, Time now, const Control::Release& given) {
  if (!release_timers(key)) return;
  for (const ParkedRecord& waiting : parking_.waiting(key)) {
    ParkedRecord parked = waiting;
    if (!parked.has_value()) {
      if (given.offset() != parked.position()) return;
      parked.set_value(given.value());
    }
    const OpenRecord open = open_released(parked, now);
    if (unfoldable(open)) return;
    if (const std::string* why = failures_.of_fact(folds_at_, open.record.offset)) {
      if (waiting.has_value()) quarantine_.tell_anew(key, log_record(waiting, partition_), *why);
      return;
    }
    if (!move_time(open)) return;
    parking_.remove(key, open.record.offset);
    quarantine_.remove(open.record.offset);
    facts_.fold(open);
  }
}

void PartitionFold::discard(Offset position, Time now) {
  const std::optional<std::string> key = parking_.key_at(position);
  if (key && parking_.timer(*key) == position) {
    timers_.cancel_first_waiting(*key);
    return release(*key, now);
  }
  quarantine_.remove(position);
  if (!key) return;
  parking_.remove(*key, position);
  release(*key, now);
}

std::optional<Unfoldable> PartitionFold::unfoldable(const OpenRecord& open) {
  if (auto why = opener_.misplaced(open)) return why;
  if (auto why = opener_.check_envelope(open)) return why;
  return facts_.decode(open);
}

// The record waits: behind what waits of its key, because its rules failed, or for a person because
// of its stamp. Where it erases a person it does so before it waits: nobody knows how long that
// will be.
void PartitionFold::park(const OpenRecord& open) {
  const std::string* failure = failures_.of_fact(folds_at_, open.record.offset);
  const auto reason = [&] {
    if (parking_.parked(open.key)) return std::string(kWaits);
    return failure != nullptr ? *failure : std::string(kUnstamped);
  };
  if (auto why = facts_.decode(open)) {
    return quarantine(open, parking_.parked(open.key) ? Unfoldable{reason()} : std::move(*why));
  }
  const FactSubject subject = subject_of(facts_.event());
  if (!subject.erases.empty() && by_service(open)) {
    erase_waiting(open, subject.erases);
    CHECK(!facts_.decode(open), "it could be decoded before");
    const bool waits = failure != nullptr || !open.record.stamped_by_log;
    if (!waits && !parking_.parked(open.key) && move_time(open)) return facts_.fold(open);
  }
  Unfoldable why{reason(), true, !subject.of.empty()};
  if (!subject.of.empty() && !facts_.waits(open, subject.of)) {
    why.reason += "; and so did what they say of records that wait";
    why.erasable = false;
  }
  quarantine(open, std::move(why));
}

void PartitionFold::erase_waiting(const OpenRecord& eraser, const std::string& person) {
  const std::string_view key = eraser.key;
  const std::unique_ptr<google::protobuf::Message> scratch(rules_->event().New());
  std::vector<ParkedRecord> waiting;
  for (const ParkedRecord& record : parking_.waiting(key)) waiting.push_back(record);
  for (const Erasure& erasure : sluice::erase_waiting(waiting, person, *scratch)) {
    const auto parked = std::find_if(waiting.begin(), waiting.end(), [&](const auto& record) {
      return record.position() == erasure.position.value;
    });
    parking_.remove(key, erasure.position);
    if (!erasure.kept) {
      quarantine_.remove(erasure.position);
      continue;
    }
    ParkedRecord cleared = *parked;
    cleared.set_value(*erasure.kept);
    const OpenRecord open = opener_.open(log_record(cleared, partition_), folds_at_, waiting_);
    auto why = unfoldable(open);
    quarantine_.add_again(
        open.key, open.record,
        why ? std::move(*why)
            : Unfoldable{std::string(cleared.unstamped() ? kUnstamped : kWaits), true, true},
        record_time());
  }
  // The first may have been the one that could not be folded.
  release(key, eraser.record.appended_at);
}

void PartitionFold::quarantine(const OpenRecord& open, Unfoldable why) {
  quarantine_.add(open.key, open.record, std::move(why), record_time());
}

}  // namespace sluice
