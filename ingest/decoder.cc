#include "ingest/decoder.h"

#include <algorithm>
#include <array>
#include <optional>

#include "ingest/header_value.h"
#include "ingest/json_fact.h"
#include "ingest/media_type.h"
#include "schemas/sluice/rules.h"
#include "schemas/sluice/words.h"
#include "sluice/rule.pb.h"
#include "storage/check.h"
#include "storage/partitioner.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::string_view kStructured = "application/cloudevents+json";
constexpr std::string_view kBatched = "application/cloudevents-batch+json";
constexpr std::string_view kLines = "application/x-ndjson";
constexpr std::string_view kProtobuf = "application/x-protobuf";

// Leaves the middle of decoding for a refusal of the whole request.
struct Refused {
  int status;
  std::string detail;
};

const FieldDescriptor* key_of(const google::protobuf::Descriptor& fact) {
  for (int i = 0; i < fact.field_count(); ++i) {
    if (fact.field(i)->options().GetExtension(rule).key()) return fact.field(i);
  }
  CHECK(false, "each fact has a key field");
}

// An attribute's JSON value as text; nullopt: no value that an attribute can have.
std::optional<std::string> attribute_text(element value) {
  switch (value.type()) {
    case element_type::STRING:
      return std::string(std::string_view(value));
    case element_type::BOOL:
      return bool(value) ? "true" : "false";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      return simdjson::minify(value);
    default:
      return std::nullopt;
  }
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

DomainCodec::DomainCodec(const Domain& of, int partition_count)
    : domain(of), partitions(partition_count) {
  const auto& facts = *of.event->oneof_decl(0);
  for (int i = 0; i < facts.field_count(); ++i) {
    const FieldDescriptor* field = facts.field(i);
    facts_.emplace(type_of(*field), Fact{field, key_of(*field->message_type())});
  }
  for (const auto& [type, fact] : facts_) types_ += (types_.empty() ? "" : ", ") + type;
}

const DomainCodec::Fact* DomainCodec::find(std::string_view type) const {
  const auto found = facts_.find(type);
  return found == facts_.end() ? nullptr : &found->second;
}

Decoder::Decoder(std::span<const DomainCodec> domains, DecoderLimits limits, StampClock& clock)
    : limits_(limits), clock_(clock), random_(std::random_device{}()) {
  for (const DomainCodec& codec : domains) {
    const Message* prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(codec.domain.event);
    events_.emplace(&codec, prototype->New());
  }
}

std::variant<AdmittedBatch, Refusal> Decoder::decode(const DomainCodec& domain,
                                                     const RequestHeaders& headers,
                                                     std::string body) {
  domain_ = &domain;
  event_ = events_.at(&domain).get();
  index_ = 0;
  faults_ = Faults();
  batch_ = AdmittedBatch();
  batch_.domain = domain.domain.name;
  try {
    const MediaType media = parse_media_type(headers.content_type);
    if (!media.is_utf8) throw Refused{415, "the charset must be utf-8"};
    const bool binary = std::any_of(headers.ce.begin(), headers.ce.end(),
                                    [](const auto& field) { return field.first == "specversion"; });
    if (media.name == kProtobuf) {
      read_protobuf(body);
    } else if (media.name == kStructured || media.name == kBatched || media.name == kLines) {
      read_json(media.name, body);
    } else if (binary && (media.name.empty() || names_json(media))) {
      read_binary(headers, body);
    } else {
      throw Refused{415, "post " + std::string(kStructured) + ", " + std::string(kBatched) + ", " +
                             std::string(kLines) + ", " + std::string(kProtobuf) +
                             ", or application/json with ce- headers"};
    }
  } catch (const Refused& refused) {
    return Refusal{refused.status, refused.detail, {}};
  }
  if (!faults_.empty()) {
    return Refusal{422, "nothing was appended: some events are not admissible", std::move(faults_)};
  }
  return std::move(batch_);
}

element Decoder::parse(std::string_view padded) {
  element root;
  const auto error = parser_.parse(padded.data(), padded.size(), false).get(root);
  if (error == simdjson::SUCCESS) return root;
  throw Refused{400, std::string("not JSON: ") + simdjson::error_message(error)};
}

void Decoder::read_json(const std::string& media, std::string& body) {
  const std::size_t size = body.size();
  body.append(simdjson::SIMDJSON_PADDING, '\0');
  const std::string_view text = std::string_view(body).substr(0, size);
  if (parser_.allocate(std::max(parser_.capacity(), size), limits_.json_depth) !=
      simdjson::SUCCESS) {
    throw Refused{413, "the body is too large"};
  }
  if (media == kLines) return read_lines(text);
  if (media == kStructured && size > limits_.event_bytes) {
    throw Refused{413, "an event may have " + std::to_string(limits_.event_bytes) + " bytes"};
  }
  const element root = parse(text);
  if (media == kStructured) return read_structured(root);
  simdjson::dom::array events;
  if (root.get_array().get(events) != simdjson::SUCCESS) {
    throw Refused{400, "a batch is a JSON array of events"};
  }
  for (const element event : events) read_structured(event);
}

// One event a line; blank lines count for nothing.
void Decoder::read_lines(std::string_view body) {
  std::size_t number = 0;
  while (!body.empty()) {
    ++number;
    const std::size_t end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (is_blank(line)) continue;
    if (line.size() > limits_.event_bytes) {
      throw Refused{413, "line " + std::to_string(number) + ": an event may have " +
                             std::to_string(limits_.event_bytes) + " bytes"};
    }
    element event;
    // What follows the line in the buffer is its padding.
    const auto error = parser_.parse(line.data(), line.size(), false).get(event);
    if (error != simdjson::SUCCESS) {
      throw Refused{400, "line " + std::to_string(number) +
                             " is not JSON: " + simdjson::error_message(error)};
    }
    read_structured(event);
  }
}

void Decoder::begin_event() {
  if (index_ >= limits_.batch_events) {
    throw Refused{413, "a batch may have " + std::to_string(limits_.batch_events) + " events"};
  }
  faults_.begin_event(index_++);
  attributes_.clear();
  envelope_.Clear();
  event_->Clear();
}

void Decoder::read_structured(element event) {
  begin_event();
  simdjson::dom::object object;
  if (event.get_object().get(object) != simdjson::SUCCESS) {
    return faults_.add("", "an event is a JSON object");
  }
  std::vector<std::string_view> met;
  std::optional<element> data;
  std::optional<element> base64;
  for (const auto [name, value] : object) {
    if (std::find(met.begin(), met.end(), name) != met.end()) {
      faults_.add(std::string(name), "stands in the event twice");
      continue;
    }
    met.push_back(name);
    if (value.is_null()) continue;
    if (name == "data") {
      data = value;
    } else if (name == "data_base64") {
      base64 = value;
    } else if (Attributes::known(name) && !value.is_string()) {
      faults_.add(std::string(name), "must be a text");
      attributes_.set(name, "");
    } else if (const std::optional<std::string> text = attribute_text(value)) {
      if (!attributes_.set(name, *text) && text->find('\0') != std::string::npos) {
        faults_.add(std::string(name), "must not contain U+0000");
      }
    } else {
      faults_.add(std::string(name), "must be a text, a number or a boolean");
    }
  }
  if (!base64) return read_fact(data ? &*data : nullptr);

  if (data) return faults_.add("data_base64", "stands beside data");
  std::string_view text;
  std::string bytes;
  if (base64->get_string().get(text) != simdjson::SUCCESS || !decode_base64(text, bytes)) {
    return faults_.add("data_base64", "must be base64");
  }
  // A parser of its own: the event at hand lives in the other.
  simdjson::dom::parser parser;
  element decoded;
  if (parser.allocate(bytes.size(), limits_.json_depth) != simdjson::SUCCESS ||
      parser.parse(bytes).get(decoded) != simdjson::SUCCESS) {
    return faults_.add("data_base64", "must be base64 of JSON");
  }
  read_fact(&decoded);
}

void Decoder::read_binary(const RequestHeaders& headers, std::string& body) {
  begin_event();
  std::vector<std::string_view> met;
  for (const auto& [name, raw] : headers.ce) {
    if (std::find(met.begin(), met.end(), name) != met.end()) {
      throw Refused{400, "ce-" + std::string(name) + " is sent twice"};
    }
    met.push_back(name);
    const std::optional<std::string> value = decode_header_value(raw);
    if (!value) throw Refused{400, "ce-" + std::string(name) + " is not UTF-8"};
    if (name != "datacontenttype") attributes_.set(name, *value);
  }
  if (is_blank(body)) return read_fact(nullptr);
  const std::size_t size = body.size();
  if (size > limits_.event_bytes) {
    throw Refused{413, "an event may have " + std::to_string(limits_.event_bytes) + " bytes"};
  }
  body.append(simdjson::SIMDJSON_PADDING, '\0');
  if (parser_.allocate(std::max(parser_.capacity(), size), limits_.json_depth) !=
      simdjson::SUCCESS) {
    throw Refused{413, "the body is too large"};
  }
  const element data = parse(std::string_view(body).substr(0, size));
  read_fact(&data);
}

void Decoder::read_fact(const element* data) {
  const std::size_t before = faults_.count();
  attributes_.read_into(envelope_, faults_);
  const auto& type = attributes_.type();
  const DomainCodec::Fact* fact = type ? domain_->find(*type) : nullptr;
  if (!type) {
    faults_.add("type", "is required");
  } else if (fact == nullptr) {
    faults_.add("type", "must be one of " + domain_->types());
  }
  simdjson::dom::object object;
  if (data == nullptr) {
    faults_.add("data", "is required");
    return;
  }
  if (data->get_object().get(object) != simdjson::SUCCESS) {
    faults_.add("data", "must be an object");
    return;
  }
  if (fact == nullptr) return;
  Message& message = *event_->GetReflection()->MutableMessage(event_, fact->field);
  const std::size_t first = faults_.kept().size();
  read_message(object, message, "data.", faults_);
  for (const Fault& fault : check_rules(*event_)) {
    // A field that could not be read at all is not said to be missing, too.
    const std::string path = "data." + fault.field;
    const auto& kept = faults_.kept();
    const bool said =
        std::any_of(kept.begin() + static_cast<std::ptrdiff_t>(std::min(first, kept.size())),
                    kept.end(), [&](const EventFault& other) {
                      return other.field == path || path.starts_with(other.field + ".");
                    });
    if (!said) faults_.add(path, fault.reason);
  }
  if (faults_.count() > before) return;
  envelope_.set_type(*type);
  admit(*fact);
}

void Decoder::read_protobuf(const std::string& body) {
  EnvelopeBatch posted;
  if (!posted.ParseFromString(body)) throw Refused{400, "not a sluice.EnvelopeBatch"};
  for (Envelope& envelope : *posted.mutable_events()) {
    begin_event();
    const std::size_t before = faults_.count();
    envelope_.Swap(&envelope);
    const std::string& id = envelope_.id();
    if (!id.empty() && !is_event_id(id)) {
      faults_.add("id", "must be 1 to 200 printable characters");
    }
    if (envelope_.source().empty() || !is_printable(envelope_.source())) {
      faults_.add("source", "must be printable characters, one or more");
    }
    const Actor& actor = envelope_.actor();
    if (!actor.id().empty() && !is_id(actor.id())) {
      faults_.add("actor.id", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -");
    }
    if (!Actor::Level_IsValid(actor.level())) faults_.add("actor.level", "is no Level");
    if (!Actor::Role_IsValid(actor.role())) faults_.add("actor.role", "is no Role");
    if (!is_storable(envelope_.occurred_at())) {
      faults_.add("occurred_at", "must be in the years 1 to 9999");
    }
    if (!envelope_.domain().empty() && envelope_.domain() != domain_->domain.name) {
      faults_.add("domain", "must be " + batch_.domain + " or empty");
    }
    const DomainCodec::Fact* fact = domain_->find(envelope_.type());
    if (fact == nullptr) faults_.add("type", "must be one of " + domain_->types());
    if (envelope_.has_origin()) faults_.add("origin", "is the engine's own");
    if (envelope_.has_control()) {
      faults_.add("control", "is the engine's own");
    } else if (!event_->ParseFromString(envelope_.payload())) {
      faults_.add("data", "is no Event of " + batch_.domain);
    } else {
      const auto* set = event_->GetReflection()->GetOneofFieldDescriptor(
          *event_, event_->GetDescriptor()->oneof_decl(0));
      if (fact != nullptr && set != nullptr && set != fact->field) {
        faults_.add("type", "names another fact than the payload's");
      }
      for (const Fault& fault : check_rules(*event_)) {
        faults_.add("data." + fault.field, fault.reason);
      }
    }
    if (faults_.count() > before) continue;
    if (!envelope_.key().empty() && envelope_.key() != key_value(*fact)) {
      faults_.add("key", "differs from the fact's key field");
    } else {
      admit(*fact);
    }
  }
}

std::string Decoder::key_value(const DomainCodec::Fact& fact) const {
  const Message& message = event_->GetReflection()->GetMessage(*event_, fact.field);
  return message.GetReflection()->GetString(message, fact.key);
}

void Decoder::admit(const DomainCodec::Fact& fact) {
  const std::string key = key_value(fact);
  if (envelope_.id().empty()) envelope_.set_id(make_id());
  envelope_.set_domain(batch_.domain);
  envelope_.set_key(key);
  envelope_.set_recorded_at(clock_.now().time_since_epoch().count());
  event_->SerializeToString(envelope_.mutable_payload());

  AdmittedBatch::Item item{partition_of(key, domain_->partitions), batch_.bytes.size(), key.size(),
                           0};
  batch_.bytes += key;
  const std::size_t begin = batch_.bytes.size();
  envelope_.AppendToString(&batch_.bytes);
  item.value_size = batch_.bytes.size() - begin;
  if (item.value_size > limits_.event_bytes) {
    throw Refused{413, "event " + std::to_string(index_ - 1) + " takes " +
                           std::to_string(item.value_size) + " bytes; an event may have " +
                           std::to_string(limits_.event_bytes)};
  }
  batch_.items.push_back(item);
  batch_.ids.push_back(envelope_.id());
}

// A UUID of version 7: by time, then random.
std::string Decoder::make_id() {
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
