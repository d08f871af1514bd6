#include "tools/sluice/quarantine/edited_event.h"

#include <variant>

#include "ingest/decoder.h"
#include "schemas/descriptors/rules.h"
#include "storage/base/errors.h"
#include "tools/sluice/node/domain_choice.h"

namespace sluice {
namespace {

// "data.choice: must be one of ...; time: ...", in the words of a post's refusal.
std::string words_of(const Refusal& refusal) {
  if (refusal.faults.empty()) return refusal.detail;
  std::string words;
  for (const EventFault& fault : refusal.faults.kept()) {
    words += (words.empty() ? "" : "; ") + (fault.field.empty() ? "" : fault.field + ": ");
    words += fault.reason;
  }
  return words;
}

Envelope decoded(const std::string& projection, const std::string& text) {
  const Domain domain = choose_domains({projection}).front();
  const DomainCodec codec(domain, 1);
  StampClock clock(StampClock::system_now);
  Decoder decoder({}, clock);
  auto decision = decoder.decode(codec, {"application/cloudevents+json", {}}, text);
  if (const auto* refusal = std::get_if<Refusal>(&decision)) {
    throw Misconfigured("the event is not admissible: " + words_of(*refusal));
  }
  const auto& batch = std::get<AdmittedBatch>(decision);
  const AdmittedBatch::Item& item = batch.items.front();
  Envelope envelope;
  envelope.ParseFromString(batch.bytes.substr(item.begin + item.key_size, item.value_size));
  return envelope;
}

}  // namespace

Envelope admitted_event(const std::string& projection, const std::string& key,
                        const std::string& text) {
  Envelope envelope = decoded(projection, text);
  if (envelope.key() == key) return envelope;
  throw Misconfigured("the event is of another key, \"" + envelope.key() +
                      "\", than the record whose place it is to take, \"" + key +
                      "\": an event of that key is posted");
}

void put_in_place_of(const std::optional<LoggedRecord>& record, Envelope& event) {
  event.clear_recorded_at();
  Envelope found;
  if (!record || !found.ParseFromString(record->value) || found.has_control()) return;
  if (is_event_id(found.id())) event.set_id(found.id());
  if (found.has_recorded_at() && is_storable(found.recorded_at())) {
    event.set_recorded_at(found.recorded_at());
  }
  if (found.has_origin()) *event.mutable_origin() = found.origin();
}

}  // namespace sluice
