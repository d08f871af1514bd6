#include "projectors/engine/quarantine/erasure.h"

#include <set>
#include <utility>

#include "schemas/descriptors/subject.h"
#include "sluice/envelope.pb.h"

namespace sluice {
namespace {

using google::protobuf::Message;

bool read(const std::string& value, Envelope& envelope, Message& event) {
  return envelope.ParseFromString(value) && event.ParseFromString(envelope.payload());
}

// Nobody's when it cannot be read.
FactSubject read_subject(const std::string& value, Envelope& envelope, Message& event) {
  return read(value, envelope, event) ? subject_of(event) : FactSubject{};
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

PersonalData personal_data_of(std::string_view value, std::string_view domain, Message& event) {
  Envelope envelope;
  if (!read(std::string(value), envelope, event)) return PersonalData::unknown;
  if (!subject_of(event).of.empty()) return PersonalData::present;
  const bool ours = envelope.domain().empty() || envelope.domain() == domain;
  return ours && is_nobodys(event) ? PersonalData::none : PersonalData::unknown;
}

}  // namespace sluice
