#include "projectors/engine/erasure.h"

#include <set>
#include <utility>

#include "schemas/sluice/subject.h"
#include "sluice/envelope.pb.h"

namespace sluice {
namespace {

using google::protobuf::Message;

// Nobody's when it cannot be read.
FactSubject read_subject(const std::string& value, Envelope& envelope, Message& event) {
  if (!envelope.ParseFromString(value) || !event.ParseFromString(envelope.payload())) return {};
  return subject_of(event);
}

std::optional<std::string> without_subject(Envelope& envelope, Message& event) {
  if (!clear_subject(event)) return std::nullopt;
  envelope.set_payload(event.SerializeAsString());
  return envelope.SerializeAsString();
}

}  // namespace

std::vector<Erasure> erase_waiting(std::span<const ParkedRecord> waiting, std::string_view person,
                                   Message& event) {
  Envelope envelope;
  std::set<std::string> erased{std::string(person)};
  // From the last to the first: who became the person, and who had become those before.
  for (auto record = waiting.rbegin(); record != waiting.rend(); ++record) {
    const FactSubject subject = read_subject(record->value(), envelope, event);
    if (!subject.from.empty() && erased.contains(subject.into)) erased.insert(subject.from);
  }
  std::vector<Erasure> erasures;
  for (const ParkedRecord& record : waiting) {
    const FactSubject subject = read_subject(record.value(), envelope, event);
    if (subject.of.empty() || !erased.contains(subject.of)) continue;
    erasures.push_back({Offset{record.position()}, without_subject(envelope, event)});
  }
  return erasures;
}

bool is_of_somebody(std::string_view value, Message& event) {
  Envelope envelope;
  return !read_subject(std::string(value), envelope, event).of.empty();
}

}  // namespace sluice
