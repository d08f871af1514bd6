// What control records in the partition's log decide: ticks, and what becomes of records that wait.

#include <algorithm>
#include <utility>
#include <vector>

#include "projectors/engine/fold/partition_fold.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

// In the message or in one of those that it holds.
bool has_unknown_fields(const google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return true;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  return std::ranges::any_of(fields, [&](const google::protobuf::FieldDescriptor* field) {
    return field->message_type() != nullptr && !field->is_repeated() &&
           has_unknown_fields(reflection.GetMessage(message, field));
  });
}

}  // namespace

void PartitionFold::apply_control(const OpenRecord& open) {
  const Control& control = *open.envelope.control;
  if (!open.record.stamped_by_log) {
    // Ticks are appended until one moves time.
    if (!control.has_tick()) waiting_.quarantine(open, {std::string(kUnstamped), false});
    return;
  }
  require_known(open);
  switch (control.action_case()) {
    case Control::kTick:
      return facts_.move_time(open);
    case Control::kRelease:
    case Control::kDiscard:
    case Control::kEdit:
      repeated_ = decided_before(open);
      if (!repeated_) decide(open);
      return;
    case Control::kRepair:
      repeated_ = decided_before(open);
      if (!repeated_) repair_ = open.key;
      return;
    case Control::ACTION_NOT_SET:
      return waiting_.quarantine(open, {"a control record of no kind", false});
  }
}

// What a later program decides, this one cannot leave out: its rows would be others. A field that
// it does not know may bound or turn around what it knows.
void PartitionFold::require_known(const OpenRecord& open) const {
  const Control& control = *open.envelope.control;
  if (!has_unknown_fields(control)) return;
  const bool known_kind = control.action_case() != Control::ACTION_NOT_SET;
  throw Corrupt(std::string(projection_.name) + " partition " + std::to_string(partition_.value) +
                " is stopped, nothing was changed: the record at " +
                std::to_string(open.folds_at.value) + " is a control record " +
                (known_kind ? "with a field" : "of a kind") +
                " that this program does not know. A later one has "
                "written it: run that, or one after it");
}

// A decision has its row whatever it found.
void PartitionFold::tell_decision(const OpenRecord& open, Decision::Kind kind,
                                  std::optional<Offset> offset) {
  const Control& control = *open.envelope.control;
  outcomes_.decisions.push_back(
      {open.record.offset, offset, kind, control.who(), control.why(), open.recorded_at});
  outcomes_.bytes += control.who().size() + control.why().size();
}

void PartitionFold::decide(const OpenRecord& open) {
  const Control& control = *open.envelope.control;
  if (control.has_edit()) {
    tell_decision(open, Decision::Kind::edit, Offset{control.edit().offset()});
    repeated_ = !waiting_.edit(open);
    return;
  }
  if (control.has_discard()) {
    tell_decision(open, Decision::Kind::discard, Offset{control.discard().offset()});
    repeated_ = !waiting_.discard(open, discarded(control.discard()));
    return;
  }
  const Control::Release& given = control.release();
  if (!given.continues()) {
    const std::optional<Offset> first = parking_.first(open.key);
    tell_decision(open, Decision::Kind::release, first);
  }
  waiting_.release(open.key, {open.folds_at, open.record.appended_at}, given);
}

Offset PartitionFold::discarded(const Control::Discard& control) const {
  const Offset named{control.offset()};
  if (alone_.empty() || named >= Offset{0}) return named;
  return parking_.timer(alone_).value_or(named);
}

// A decision has its effect once, however often its record was appended; one without an id each
// time.
bool PartitionFold::decided_before(const OpenRecord& open) {
  return !open.envelope.id.empty() && facts_.counted_before(open);
}

}  // namespace sluice
