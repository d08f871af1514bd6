#include "ingest/batch_builder.h"

#include <array>
#include <cstdio>

#include "storage/base/partitioner.h"

namespace sluice {
namespace {

using google::protobuf::Message;

void append_varint(std::string& out, std::uint64_t number) {
  constexpr std::uint64_t kMore = 0x80;
  for (; number >= kMore; number >>= 7) out += static_cast<char>((number & 0x7f) | kMore);
  out += static_cast<char>(number);
}

}  // namespace

BatchBuilder::BatchBuilder(DecoderLimits limits, StampClock& clock)
    : limits_(limits), clock_(clock), random_(std::random_device{}()) {}

void BatchBuilder::reset(const DomainCodec& domain, std::size_t body_bytes) {
  domain_ = &domain;
  domain_facts_ = &facts_[domain_];
  domain_facts_->resize(domain.facts().size());
  begun_ = 0;
  faults_ = Faults();
  batch_ = AdmittedBatch();
  batch_.domain = domain.domain.name;
  batch_.bytes.reserve(body_bytes);
}

void BatchBuilder::shrink() {
  constexpr std::size_t kKept = std::size_t{64} << 10;
  batch_ = AdmittedBatch();
  faults_ = Faults();
  if (envelope_.SpaceUsedLong() > kKept) envelope_ = Envelope();
  if (domain_facts_ == nullptr) return;
  for (std::unique_ptr<Message>& fact : *domain_facts_) {
    if (fact && fact->SpaceUsedLong() > kKept) fact.reset();
  }
}

void BatchBuilder::check_size(std::size_t bytes) const {
  if (bytes <= limits_.event_bytes) return;
  throw RefusedRequest{413, "event " + std::to_string(begun_) + " takes " + std::to_string(bytes) +
                                " bytes; an event may have " + std::to_string(limits_.event_bytes)};
}

void BatchBuilder::begin() {
  if (begun_ >= limits_.batch_events) {
    throw RefusedRequest{413,
                         "a batch may have " + std::to_string(limits_.batch_events) + " events"};
  }
  faults_.begin_event(begun_++);
  faults_before_ = faults_.count();
  envelope_.Clear();
}

Message& BatchBuilder::empty_fact(const DomainCodec::Fact& fact) {
  std::unique_ptr<Message>& message = (*domain_facts_)[fact.index];
  if (message) {
    message->Clear();
  } else {
    message = fact.make();
  }
  return *message;
}

void BatchBuilder::check(const DomainCodec::Fact& fact, Message& message) {
  for (Fault& fault : fact.rules.check(message)) {
    faults_.add("data." + fault.field, std::move(fault.reason));
  }
}

void BatchBuilder::admit(const DomainCodec::Fact& fact, const Message& message) {
  if (faulty()) return;
  std::string scratch;
  const std::string& key = message.GetReflection()->GetStringReference(message, fact.key, &scratch);
  if (envelope_.id().empty()) envelope_.set_id(make_id());
  envelope_.set_type(fact.type);
  envelope_.set_domain(batch_.domain);
  envelope_.set_key(key);
  envelope_.set_recorded_at(clock_.now().time_since_epoch().count());
  write_payload(fact, message);

  AdmittedBatch::Item item{partition_of(key, domain_->partitions), batch_.bytes.size(), key.size(),
                           0};
  batch_.bytes += key;
  const std::size_t begin = batch_.bytes.size();
  envelope_.AppendToString(&batch_.bytes);
  item.value_size = batch_.bytes.size() - begin;
  if (item.value_size > limits_.event_bytes) {
    throw RefusedRequest{413, "event " + std::to_string(index()) + " takes " +
                                  std::to_string(item.value_size) +
                                  " bytes as a record; an event may " + "have " +
                                  std::to_string(limits_.event_bytes)};
  }
  batch_.items.push_back(item);
  batch_.ids.push_back(envelope_.id());
}

// The fact as its field of the domain's Event: what the Event would serialize to.
void BatchBuilder::write_payload(const DomainCodec::Fact& fact, const Message& message) {
  constexpr int kLengthDelimited = 2;
  std::string& payload = *envelope_.mutable_payload();
  payload.clear();
  append_varint(payload, static_cast<std::uint64_t>(fact.field->number()) << 3 | kLengthDelimited);
  append_varint(payload, message.ByteSizeLong());
  message.AppendToString(&payload);
}

// A UUID of version 7: by time, then random.
std::string BatchBuilder::make_id() {
  const auto milliseconds =
      static_cast<std::uint64_t>(StampClock::system_now().time_since_epoch().count());
  const std::uint64_t high =
      milliseconds << 16 | std::uint64_t{7} << 12 | (random_() & std::uint64_t{0xfff});
  const std::uint64_t low = std::uint64_t{2} << 62 | random_() >> 2;
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(high >> 32), static_cast<unsigned>(high >> 16 & 0xffff),
                static_cast<unsigned>(high & 0xffff), static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return text.data();
}

}  // namespace sluice
