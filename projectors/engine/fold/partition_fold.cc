#include "projectors/engine/fold/partition_fold.h"

#include <algorithm>
#include <utility>

#include "projectors/engine/quarantine/erasure.h"
#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/subject.h"
#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "storage/base/record_digest.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// The engine's own key in the store; tables' keys begin with 0x80 and above.
constexpr std::string_view kCheckpointKey = "head";

// A stamp this far ahead of the log's own clock is a mistake, which must not fire every timer and
// forget every event id: the log's time counts instead.
constexpr milliseconds kStampAhead = std::chrono::minutes(1);

// The kind of the engine's own timers: of a record in quarantine whose bytes are to age out, with
// its offset as key.
constexpr int kAges = -1;

constexpr std::size_t kOutcomeBytes = 128;
constexpr std::string_view kWaits = "waits behind an earlier record of its key";
constexpr std::string_view kUnstamped =
    "stamped by its producer and not by the log: set the topic's message.timestamp.type to "
    "LogAppendTime, then release it";

std::int64_t count(Time time) { return time.time_since_epoch().count(); }

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
      store_(store),
      tables_(store),
      parking_(tables_),
      receipts_(tables_),
      timers_(tables_),
      dedupe_(store, generation.dedupe_horizon, dedupe),
      outbox_(projection.name, partition),
      fold_(projection.make(tables_)),
      decoder_(fold_->event()) {}

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
  checkpoint_ = stored().value_or(StateCheckpoint());
  checkpoint_.set_generation_id(generation_.unique_id);
  checkpoint_.set_version(projection_.version);
  dedupe_.reload();
  parking_.load();
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

void PartitionFold::fold(const LogRecord& record, Emits emits) {
  CHECK(record.offset >= position(), "offsets of a partition ascend");
  // Also of a record that waited and is released by this one: a source's positions never go back.
  outbox_.begin(record.offset, emits == Emits::sent);
  folding_ = record.offset;
  LogRecord taken = record;
  // What a producer claims may neither move time nor age anything.
  if (!record.stamped_by_log) taken.appended_at = record_time();
  appended_at_ = taken.appended_at;
  fold_record(taken);
  // What a record brings grows rows by about as much.
  outcomes_.bytes += record.value.size();
  checkpoint_.set_position(record.offset.next().value);
  checkpoint_.set_digest(digest_of(record).value);
}

void PartitionFold::write(StateBatch& batch) {
  refresh();
  tables_.write_dirty(batch);
  dedupe_.write(batch, position(), record_time());
  batch.put(kCheckpointKey, checkpoint_.SerializeAsString());
}

void PartitionFold::written() {
  tables_.mark_clean();
  outcomes_.clear();
  outbox_.clear();
}

void PartitionFold::fold_record(const LogRecord& record) {
  if (auto why = open_envelope(record)) return quarantine(record, std::move(*why));
  if (const Control* control = envelope_.control()) return apply_control(record, *control);
  // Taken on arrival, whatever becomes of it: one that waits in quarantine is then the only one of
  // its kind, and those behind it for other keys go on.
  if (const Origin* origin = envelope_.origin(); origin != nullptr && !receipts_.take(*origin)) {
    ++outcomes_.duplicates;
    if (is_storable(envelope_.recorded_at().value_or(0))) move_time(record);
    return;
  }
  if (auto why = check_envelope()) return quarantine(record, std::move(*why));
  if (parking_.parked(key_) || !record.stamped_by_log) return park(record);
  if (auto why = open_fact()) return quarantine(record, std::move(*why));
  fold_fact(record);
}

std::optional<PartitionFold::Unfoldable> PartitionFold::open_envelope(const LogRecord& record) {
  const bool opened = envelope_.open(record.value);
  key_ = record.key;
  if (opened && key_.empty()) key_ = envelope_.key();
  if (opened && envelope_.control() != nullptr) return std::nullopt;
  if (key_.empty()) return Unfoldable{opened ? "key: is missing" : "not an Envelope", false};
  const Partition right = partition_of(key_, generation_.partitions);
  if (right != partition_) {
    return Unfoldable{"misrouted: its key belongs to partition " + std::to_string(right.value),
                      false};
  }
  if (!opened) return Unfoldable{"not an Envelope"};
  return std::nullopt;
}

std::optional<PartitionFold::Unfoldable> PartitionFold::check_envelope() const {
  if (!envelope_.key().empty() && envelope_.key() != key_) {
    return Unfoldable{"key: differs from the record's key"};
  }
  if (!is_storable(envelope_.recorded_at().value_or(0)))
    return Unfoldable{"recorded_at: out of range"};
  if (!is_storable(envelope_.occurred_at().value_or(0)))
    return Unfoldable{"occurred_at: out of range"};
  if (!is_event_id(envelope_.id())) {
    return Unfoldable{"id: must be 1 to 200 printable characters"};
  }
  if (!envelope_.domain().empty() && envelope_.domain() != projection_.name) {
    return Unfoldable{"domain: is another's"};
  }
  return std::nullopt;
}

std::optional<PartitionFold::Unfoldable> PartitionFold::open_fact() {
  if (!decoder_.decode(envelope_.payload())) {
    return Unfoldable{"payload: not an Event of the domain"};
  }
  const std::vector<Fault> faults = decoder_.check();
  if (!faults.empty()) return Unfoldable{faults.front().field + ": " + faults.front().reason};
  if (fold_->key() != key_) return Unfoldable{"key: differs from the fact's key field"};
  if (!envelope_.type().empty() && envelope_.type() != decoder_.type()) {
    return Unfoldable{"type: names another fact than the payload's"};
  }
  return std::nullopt;
}

Time PartitionFold::recorded_at(const LogRecord& record) const {
  const std::optional<std::int64_t> at = envelope_.recorded_at();
  if (!at) return record.appended_at;
  const Time stamped{milliseconds(*at)};
  return stamped > record.appended_at + kStampAhead ? record.appended_at : stamped;
}

void PartitionFold::move_time(const LogRecord& record) {
  checkpoint_.set_record_time(std::max(checkpoint_.record_time(), count(recorded_at(record))));
  for (;;) {
    const std::optional<Timer> timer = timers_.take_due(record_time());
    if (!timer) return;
    fire(*timer);
  }
}

void PartitionFold::fire(Timer timer) {
  if (timer.kind == kAges) return age_out(Offset{std::stoll(std::string(timer.key))});
  timer.folded_to = folding_.next();
  outbox_.set_record_time(record_time());
  Effects effects(tables_, timers_, outbox_, timer.due);
  fold_->fire(timer, effects);
}

bool PartitionFold::counted_before(const LogRecord& record) {
  const EventId id = id_of(key_, envelope_.id());
  dedupe_.prefetch(id);
  const std::uint64_t content = content_of(envelope_.payload());
  if (const auto first = dedupe_.seen(id, record_time())) {
    ++outcomes_.duplicates;
    if (*first != content) reject(record, "event.id_reused");
    return true;
  }
  dedupe_.mark(id, content, record_time());
  return false;
}

void PartitionFold::fold_fact(const LogRecord& record) {
  move_time(record);
  // A derived record has its receipt, which does not end with the horizon.
  if (envelope_.origin() == nullptr && counted_before(record)) return;

  std::optional<Time> occurred_at;
  if (const auto at = envelope_.occurred_at()) occurred_at = Time{milliseconds(*at)};
  const Record folded{envelope_.id(), envelope_.source(), envelope_.actor(), recorded_at(record),
                      occurred_at,    record.offset,      folding_.next(),   record_time()};
  ++outcomes_.folded;
  if (decoder_.rules().service_only() && !by_service()) {
    return reject(record, "actor.not_allowed");
  }
  outbox_.set_record_time(record_time());
  Effects effects(tables_, timers_, outbox_);
  fold_->fold(folded, effects);
  if (!effects.rejection().empty()) reject(record, effects.rejection());
}

void PartitionFold::apply_control(const LogRecord& record, const Control& control) {
  if (!record.stamped_by_log) {
    // Ticks are appended until one moves time.
    if (!control.has_tick()) quarantine(record, {std::string(kUnstamped), false});
    return;
  }
  switch (control.action_case()) {
    case Control::kTick:
      return move_time(record);
    case Control::kRelease:
      if (decided_before(record)) return;
      // What is released takes the place of the record at hand.
      return release(std::string(key_), Control::Release(control.release()));
    case Control::kDiscard:
      if (decided_before(record)) return;
      return discard(Offset{control.discard().offset()});
    case Control::ACTION_NOT_SET:
      return quarantine(record, {"a control record of an unknown kind", false});
  }
}

// A decision has its effect once, however often its record was appended; one without an id each
// time.
bool PartitionFold::decided_before(const LogRecord& record) {
  return !envelope_.id().empty() && counted_before(record);
}

void PartitionFold::release(std::string_view key, const Control::Release& given) {
  for (ParkedRecord& parked : parking_.waiting(key)) {
    if (!parked.has_value()) {
      if (given.offset() != parked.position()) return;
      parked.set_value(given.value());
    }
    const LogRecord record = released(parked);
    if (unfoldable(record)) return;
    parking_.remove(key, record.offset);
    unquarantine(record.offset);
    fold_fact(record);
  }
}

// One that its producer stamped is as if it were appended now.
LogRecord PartitionFold::released(const ParkedRecord& parked) const {
  LogRecord record = log_record(parked, partition_);
  if (!record.stamped_by_log) record.appended_at = appended_at_;
  record.stamped_by_log = true;
  return record;
}

void PartitionFold::discard(Offset position) {
  unquarantine(position);
  const std::string* parked = parking_.key_at(position);
  if (parked == nullptr) return;
  const std::string key = *parked;
  parking_.remove(key, position);
  release(key);
}

std::optional<PartitionFold::Unfoldable> PartitionFold::unfoldable(const LogRecord& record) {
  if (auto why = open_envelope(record)) return why;
  if (auto why = check_envelope()) return why;
  return open_fact();
}

bool PartitionFold::by_service() const { return envelope_.actor().role() == Actor::ROLE_SERVICE; }

// The record waits: behind its key's others, or for a person because of its stamp. Where it erases
// somebody it does so before it waits: nobody knows how long that will be.
void PartitionFold::park(const LogRecord& record) {
  const auto reason = [&] { return std::string(parking_.parked(key_) ? kWaits : kUnstamped); };
  if (auto why = open_fact()) {
    return quarantine(record, parking_.parked(key_) ? Unfoldable{reason()} : std::move(*why));
  }
  const FactSubject subject = subject_of(fold_->event());
  if (!subject.erases.empty() && by_service()) {
    erase_waiting(subject.erases);
    // What was looked at meanwhile has taken the place of the record at hand.
    CHECK(!unfoldable(record), "it was foldable before");
    if (record.stamped_by_log && !parking_.parked(key_)) return fold_fact(record);
  }
  if (!subject.of.empty()) tell_of_waiting(subject.of);
  quarantine(record, {reason(), true, !subject.of.empty()});
}

void PartitionFold::tell_of_waiting(const std::string& person) {
  outbox_.set_record_time(record_time());
  const std::uint64_t edits = tables_.edits();
  Effects effects(tables_, timers_, outbox_);
  fold_->waits(person, effects);
  CHECK(tables_.edits() == edits && effects.rejection().empty(), "a fact that waits only emits");
}

void PartitionFold::erase_waiting(const std::string& person) {
  const std::string key(key_);
  const std::unique_ptr<google::protobuf::Message> scratch(fold_->event().New());
  const std::vector<ParkedRecord> waiting = parking_.waiting(key);
  for (const Erasure& erasure : sluice::erase_waiting(waiting, person, *scratch)) {
    const auto parked = std::find_if(waiting.begin(), waiting.end(), [&](const auto& record) {
      return record.position() == erasure.position.value;
    });
    parking_.remove(key, erasure.position);
    if (!erasure.kept) {
      unquarantine(erasure.position);
      continue;
    }
    ParkedRecord cleared = *parked;
    cleared.set_value(*erasure.kept);
    const LogRecord record = log_record(cleared, partition_);
    auto why = unfoldable(record);
    std::erase_if(outcomes_.quarantined,
                  [&](const auto& earlier) { return earlier.position == record.offset; });
    quarantine(record, why ? std::move(*why)
                           : Unfoldable{std::string(cleared.unstamped() ? kUnstamped : kWaits),
                                        true, true});
  }
  // The first may have been the one that could not be folded.
  release(key);
}

void PartitionFold::quarantine(const LogRecord& record, Unfoldable why) {
  if (why.parks_key) parking_.park(key_, record);
  std::string value(record.value);
  const std::unique_ptr<google::protobuf::Message> scratch(fold_->event().New());
  const PersonalData personal = sluice::personal_data_of(record.value, projection_.name, *scratch);
  if (personal == PersonalData::present && !why.parks_key) {
    // Whoever erases a person under their keys comes to the partition that is right for them, never
    // here; the log has the record.
    value.clear();
  } else if (personal != PersonalData::none && !why.erasable) {
    age_later(record);
  }
  outcomes_.bytes += kOutcomeBytes + value.size();
  outcomes_.quarantined.push_back({record.offset, std::string(key_), std::move(why.reason),
                                   std::move(value), record.appended_at, why.parks_key});
}

void PartitionFold::unquarantine(Offset position) {
  timers_.cancel(std::to_string(position.value), kAges);
  outcomes_.unquarantined.push_back(position);
}

// On a partition that was quiet record time is behind the record's arrival.
void PartitionFold::age_later(const LogRecord& record) {
  const Time since = std::max(record_time(), record.appended_at);
  timers_.set(
      {std::to_string(record.offset.value), kAges, since + generation_.quarantine_retention, {}});
}

void PartitionFold::age_out(Offset position) {
  outcomes_.aged_out.push_back(position);
  const std::string* key = parking_.key_at(position);
  if (key != nullptr) parking_.age_out(*key, position);
}

void PartitionFold::reject(const LogRecord& record, std::string_view reason) {
  outcomes_.bytes += kOutcomeBytes;
  outcomes_.rejections.push_back({record.offset, std::string(envelope_.id()),
                                  std::string(envelope_.type()), std::string(key_),
                                  std::string(reason), recorded_at(record)});
}

}  // namespace sluice
