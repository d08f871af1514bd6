#include "projectors/engine/fold/decisions.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <vector>

#include "projectors/engine/quarantine/unfoldable.h"
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

bool Decisions::apply(const OpenRecord& open) {
  repair_.clear();
  const Control& control = *open.envelope.control;
  if (!open.record.stamped_by_log) {
    // Ticks are appended until one moves time.
    if (!control.has_tick()) parts_.waiting.quarantine(open, {std::string(kUnstamped), false});
    return true;
  }
  require_known(open);
  switch (control.action_case()) {
    case Control::kTick:
      parts_.facts.move_time(open);
      return true;
    case Control::kRelease:
    case Control::kDiscard:
    case Control::kEdit:
      return !decided_before(open) && decide(open);
    case Control::kRepair:
      if (decided_before(open)) return false;
      repair_ = open.key;
      return true;
    case Control::ACTION_NOT_SET:
      break;
  }
  parts_.waiting.quarantine(open, {"a control record of no kind", false});
  return true;
}

// What a later program decides, this one cannot leave out: its rows would be others. A field that
// it does not know may bound or turn around what it knows.
void Decisions::require_known(const OpenRecord& open) const {
  const Control& control = *open.envelope.control;
  if (!has_unknown_fields(control)) return;
  const bool known_kind = control.action_case() != Control::ACTION_NOT_SET;
  throw Corrupt(
      std::string(parts_.projection) + " partition " + std::to_string(parts_.partition.value) +
      " is stopped, nothing was changed: the record at " + std::to_string(open.folds_at.value) +
      " is a control record " + (known_kind ? "with a field" : "of a kind") +
      " that this program does not know. A later one has "
      "written it: run that, or one after it");
}

// A decision has its row whatever it found.
void Decisions::tell(const OpenRecord& open, Decision::Kind kind, std::optional<Offset> offset) {
  const Control& control = *open.envelope.control;
  parts_.outcomes.decisions.push_back(
      {open.record.offset, offset, kind, control.who(), control.why(), open.recorded_at});
  parts_.outcomes.bytes += control.who().size() + control.why().size();
}

bool Decisions::decide(const OpenRecord& open) {
  const Control& control = *open.envelope.control;
  if (control.has_edit()) {
    tell(open, Decision::Kind::edit, Offset{control.edit().offset()});
    return parts_.waiting.edit(open);
  }
  if (control.has_discard()) {
    tell(open, Decision::Kind::discard, Offset{control.discard().offset()});
    return parts_.waiting.discard(open, discarded(control.discard()));
  }
  const Control::Release& given = control.release();
  if (!given.continues()) tell(open, Decision::Kind::release, parts_.parking.first(open.key));
  parts_.waiting.release(open.key, {open.folds_at, open.record.appended_at}, given);
  return true;
}

Offset Decisions::discarded(const Control::Discard& control) const {
  const Offset named{control.offset()};
  if (alone_.empty() || named >= Offset{0}) return named;
  return parts_.parking.timer(alone_).value_or(named);
}

// A decision has its effect once, however often its record was appended; one without an id each
// time.
bool Decisions::decided_before(const OpenRecord& open) {
  return !open.envelope.id.empty() && parts_.facts.counted_before(open);
}

}  // namespace sluice
