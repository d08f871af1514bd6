#include "projectors/engine/fold/waiting_records.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "projectors/engine/quarantine/erasure.h"
#include "schemas/descriptors/subject.h"
#include "storage/base/check.h"

namespace sluice {

bool WaitingRecords::move_time(const OpenRecord& open) {
  parts_.facts.move_time(open);
  return !parts_.parking.timer(open.key);
}

std::optional<Unfoldable> WaitingRecords::unfoldable(const OpenRecord& open) {
  if (auto why = parts_.opener.misplaced(open)) return why;
  if (auto why = parts_.opener.check_envelope(open)) return why;
  return parts_.facts.decode(open);
}

void WaitingRecords::park(const OpenRecord& open) {
  const std::string* failure = parts_.failures.of_fact(open.folds_at, open.record.offset);
  const auto reason = [&] {
    if (parts_.parking.parked(open.key)) return std::string(kWaits);
    return failure != nullptr ? *failure : std::string(kUnstamped);
  };
  if (auto why = parts_.facts.decode(open)) {
    return quarantine(open,
                      parts_.parking.parked(open.key) ? Unfoldable{reason()} : std::move(*why));
  }
  const FactSubject subject = subject_of(parts_.facts.event());
  if (!subject.erases.empty() && by_service(open)) {
    erase_waiting(open, subject.erases);
    CHECK(!parts_.facts.decode(open), "it could be decoded before");
    const bool waits = failure != nullptr || !open.record.stamped_by_log;
    if (!waits && !parts_.parking.parked(open.key) && move_time(open))
      return parts_.facts.fold(open);
  }
  quarantine(open, waits_because(open, reason()));
}

// The fact at hand, which `open` holds, waits; if it is somebody's, others are told of that.
Unfoldable WaitingRecords::waits_because(const OpenRecord& open, std::string reason) {
  const FactSubject subject = subject_of(parts_.facts.event());
  Unfoldable why{std::move(reason), true, !subject.of.empty()};
  if (!subject.of.empty() && !parts_.facts.waits(open, subject.of)) {
    why.reason += "; and so did what they say of records that wait";
    why.erasable = false;
  }
  return why;
}

void WaitingRecords::erase_waiting(const OpenRecord& eraser, const std::string& person) {
  const std::string_view key = eraser.key;
  const std::unique_ptr<google::protobuf::Message> scratch(parts_.facts.event().New());
  std::vector<ParkedRecord> waiting;
  for (const ParkedRecord& record : parts_.parking.waiting(key)) waiting.push_back(record);
  for (const Erasure& erasure : sluice::erase_waiting(waiting, person, *scratch)) {
    // It waits itself where it took the place of another.
    if (erasure.position == eraser.record.offset) continue;
    const auto parked = std::find_if(waiting.begin(), waiting.end(), [&](const auto& record) {
      return record.position() == erasure.position.value;
    });
    parts_.parking.remove(key, erasure.position);
    if (!erasure.kept) {
      parts_.quarantine.remove(erasure.position);
      continue;
    }
    ParkedRecord cleared = *parked;
    cleared.set_value(*erasure.kept);
    const OpenRecord open =
        parts_.opener.open(log_record(cleared, parts_.partition), eraser.folds_at, waiting_);
    auto why = unfoldable(open);
    parts_.quarantine.add_again(
        open.key, open.record,
        why ? std::move(*why)
            : Unfoldable{std::string(cleared.unstamped() ? kUnstamped : kWaits), true, true},
        parts_.facts.record_time());
  }
  // The first may have been the one that could not be folded.
  release(key, {eraser.folds_at, eraser.record.appended_at});
}

void WaitingRecords::quarantine(const OpenRecord& open, Unfoldable why) {
  parts_.quarantine.add(open.key, open.record, std::move(why), parts_.facts.record_time());
}

// A record that its producer stamped is as if it were appended then.
OpenRecord WaitingRecords::open_released(const ParkedRecord& parked, const Occasion& by) {
  LogRecord record = log_record(parked, parts_.partition);
  if (!record.stamped_by_log) record.appended_at = by.appended_at;
  record.stamped_by_log = true;
  return parts_.opener.open(record, by.folds_at, waiting_);
}

// The timers that wait under the key have their turns again, and fire. False: one has failed again.
bool WaitingRecords::release_timers(std::string_view key, Offset folds_at) {
  const std::optional<Offset> first = parts_.parking.timer(key);
  if (!first) return true;
  parts_.parking.remove_timer(key);
  parts_.quarantine.remove(*first);
  parts_.timers.resume(key);
  parts_.facts.fire_due(folds_at);
  return !parts_.parking.timer(key);
}

void WaitingRecords::release(std::string_view key, const Occasion& by,
                             const Control::Release& given) {
  if (!release_timers(key, by.folds_at)) return;
  std::int64_t folded = 0;
  for (const ParkedRecord& waiting : parts_.parking.waiting(key)) {
    if (given.at_most() > 0 && folded++ == given.at_most()) return;
    ParkedRecord parked = waiting;
    if (!parked.has_value()) {
      if (given.offset() != parked.position()) return;
      parked.set_value(given.value());
    }
    const OpenRecord open = open_released(parked, by);
    if (auto why = why_not(open)) {
      const LogRecord record = log_record(waiting, parts_.partition);
      if (waiting.has_value()) parts_.quarantine.tell_anew(key, record, std::move(*why));
      return;
    }
    if (!move_time(open)) return;
    parts_.parking.remove(key, open.record.offset);
    parts_.quarantine.remove(open.record.offset);
    parts_.facts.fold(open);
  }
}

// Why the record that waits cannot be folded here; nullopt: it can, and is the fact at hand.
std::optional<std::string> WaitingRecords::why_not(const OpenRecord& open) {
  if (auto why = unfoldable(open)) return std::move(why->reason);
  const std::string* const failure = parts_.failures.of_fact(open.folds_at, open.record.offset);
  return failure == nullptr ? std::nullopt : std::optional(*failure);
}

bool WaitingRecords::discard(const OpenRecord& decision, Offset position) {
  const Occasion by{decision.folds_at, decision.record.appended_at};
  Control::Release rest;
  rest.set_at_most(decision.envelope.control->discard().at_most());
  const std::optional<std::string> key = parts_.parking.key_at(position);
  if (key && !decision.key.empty() && *key != decision.key) return false;
  if (key && parts_.parking.timer(*key) == position) {
    parts_.timers.cancel_first_waiting(*key);
    release(*key, by, rest);
    return true;
  }
  parts_.quarantine.remove(position);
  if (!key) return false;
  parts_.parking.remove(*key, position);
  release(*key, by, rest);
  return true;
}

bool WaitingRecords::edit(const OpenRecord& decision) {
  const Control::Edit& edit = decision.envelope.control->edit();
  const Offset position{edit.offset()};
  const ParkedRecord* const parked = parts_.parking.record(decision.key, position);
  if (parked == nullptr) return false;
  ParkedRecord row = *parked;
  row.set_value(edit.value());
  const LogRecord record = log_record(row, parts_.partition);
  parts_.quarantine.replace(decision.key, record);
  Control::Release rest;
  rest.set_at_most(edit.at_most());
  release(decision.key, {decision.folds_at, decision.record.appended_at}, rest);
  if (parts_.parking.key_at(position))
    wait_edited(parts_.opener.open(record, decision.folds_at, edited_));
  return true;
}

void WaitingRecords::wait_edited(const OpenRecord& edited) {
  if (auto why = unfoldable(edited)) {
    return parts_.quarantine.add_again(edited.key, edited.record, std::move(*why),
                                       parts_.facts.record_time());
  }
  const FactSubject subject = subject_of(parts_.facts.event());
  if (!subject.erases.empty() && by_service(edited)) {
    erase_waiting(edited, subject.erases);
    if (!parts_.parking.key_at(edited.record.offset)) return;
    CHECK(!unfoldable(edited), "it could be decoded before");
  }
  const std::string* const failure = parts_.failures.of_fact(edited.folds_at, edited.record.offset);
  Unfoldable why = waits_because(edited, failure != nullptr ? *failure : std::string(kWaits));
  parts_.quarantine.add_again(edited.key, edited.record, std::move(why),
                              parts_.facts.record_time());
}

}  // namespace sluice
