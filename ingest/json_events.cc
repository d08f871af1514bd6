#include "ingest/json_events.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ingest/header_value.h"
#include "ingest/json_fact.h"
#include "ingest/json_items.h"

namespace sluice {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kFewNames = 16;

// An attribute's JSON value as text; nullopt: no value that an attribute can have.
std::optional<std::string_view> attribute_text(element value, std::string& scratch) {
  switch (value.type()) {
    case element_type::STRING:
      return std::string_view(value);
    case element_type::BOOL:
      return bool(value) ? "true" : "false";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      scratch = simdjson::minify(value);
      return scratch;
    default:
      return std::nullopt;
  }
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Grows by doubling, and never for a whole body.
simdjson::error_code make_room(simdjson::dom::parser& parser, std::size_t size, std::size_t depth) {
  constexpr std::size_t kLeast = 4096;
  if (parser.capacity() >= size && parser.capacity() >= kLeast) return simdjson::SUCCESS;
  return parser.allocate(std::max({size, 2 * parser.capacity(), kLeast}), depth);
}

std::string_view pad(std::string& body) {
  const std::size_t size = body.size();
  body.append(simdjson::SIMDJSON_PADDING, '\0');
  return std::string_view(body).substr(0, size);
}

}  // namespace

void MetNames::clear() {
  few_.clear();
  many_.clear();
}

bool MetNames::add(std::string_view name) {
  if (!many_.empty()) return many_.insert(name).second;
  if (std::find(few_.begin(), few_.end(), name) != few_.end()) return false;
  few_.push_back(name);
  if (few_.size() > kFewNames) many_.insert(few_.begin(), few_.end());
  return true;
}

element JsonEvents::parse(std::string_view padded) {
  element root;
  auto error = make_room(parser_, padded.size(), depth_);
  if (!error) error = parser_.parse(padded.data(), padded.size(), false).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    scratch_ = with_readable_numbers(padded);
    error = parser_.parse(scratch_).get(root);
  }
  if (error == simdjson::SUCCESS) return root;
  throw RefusedRequest{400, "not JSON: " + std::string(simdjson::error_message(error))};
}

void JsonEvents::shrink() {
  constexpr std::size_t kKept = std::size_t{64} << 10;
  if (parser_.capacity() > kKept) parser_ = simdjson::dom::parser();
  if (inner_parser_.capacity() > kKept) inner_parser_ = simdjson::dom::parser();
  if (scratch_.capacity() > kKept) std::string().swap(scratch_);
}

void JsonEvents::read_structured(std::string& body) { read_event(pad(body)); }

void JsonEvents::read_batch(std::string& body) {
  JsonItems items(pad(body));
  std::size_t number = 0;
  while (const auto item = items.next()) {
    const std::string_view text = *item;
    try {
      read_event(text);
    } catch (const RefusedRequest& refused) {
      if (refused.status != 400) throw;
      throw RefusedRequest{400, "event " + std::to_string(number) + ": " + refused.detail};
    }
    ++number;
  }
  if (items.malformed()) throw RefusedRequest{400, "a batch is a JSON array of events"};
}

// One event a line; blank lines count for nothing.
void JsonEvents::read_lines(std::string& body) {
  std::string_view rest = pad(body);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (is_blank(line)) continue;
    try {
      read_event(line);
    } catch (const RefusedRequest& refused) {
      throw RefusedRequest{refused.status,
                           "line " + std::to_string(number) + ": " + refused.detail};
    }
  }
}

void JsonEvents::read_event(std::string_view text) {
  batch_.check_size(text.size());
  const element event = parse(text);
  batch_.begin();
  attributes_.clear();
  met_.clear();
  simdjson::dom::object object;
  if (event.get_object().get(object) != simdjson::SUCCESS) {
    return batch_.faults().add("", "an event is a JSON object");
  }
  std::optional<element> data;
  std::optional<element> base64;
  for (const auto [name, value] : object) {
    if (!met_.add(name)) {
      batch_.faults().add(std::string(name), "stands in the event twice");
    } else if (value.is_null()) {
      continue;
    } else if (name == "data") {
      data = value;
    } else if (name == "data_base64") {
      base64 = value;
    } else {
      read_member(name, value);
    }
  }
  if (!base64) return read_data(data ? &*data : nullptr);
  if (data) return batch_.faults().add("data_base64", "stands beside data");
  read_base64(*base64);
}

void JsonEvents::read_member(std::string_view name, element value) {
  const Attributes::Name known = Attributes::named(name);
  std::string number;
  const auto text = attribute_text(value, number);
  if (known != Attributes::kUnknown) {
    attributes_.set(known, value.is_string() ? text.value_or("") : std::string_view());
    if (!value.is_string()) batch_.faults().add(std::string(name), "must be a text");
  } else if (!text) {
    batch_.faults().add(std::string(name), "must be a text, a number or a boolean");
  } else if (text->find('\0') != std::string_view::npos) {
    batch_.faults().add(std::string(name), "must not contain U+0000");
  } else if (auto reason = Attributes::misspelled(name)) {
    batch_.faults().add(std::string(name), std::move(*reason));
  }
}

void JsonEvents::read_base64(element text) {
  std::string_view digits;
  std::string bytes;
  if (text.get_string().get(digits) != simdjson::SUCCESS || !decode_base64(digits, bytes)) {
    return batch_.faults().add("data_base64", "must be base64");
  }
  element decoded;
  if (make_room(inner_parser_, bytes.size(), depth_) != simdjson::SUCCESS ||
      inner_parser_.parse(bytes).get(decoded) != simdjson::SUCCESS) {
    return batch_.faults().add("data_base64", "must be base64 of JSON");
  }
  read_data(&decoded);
}

void JsonEvents::read_binary(const RequestHeaders& headers, std::string& body) {
  batch_.check_size(body.size());
  batch_.begin();
  attributes_.clear();
  met_.clear();
  for (const auto& [name, raw] : headers.ce) {
    if (!met_.add(name)) throw RefusedRequest{400, "ce-" + std::string(name) + " is sent twice"};
    const std::optional<std::string> value = decode_header_value(raw);
    if (!value) throw RefusedRequest{400, "ce-" + std::string(name) + " is not UTF-8"};
    const Attributes::Name known = Attributes::named(name);
    if (known != Attributes::kUnknown) {
      attributes_.set(known, *value);
    } else if (value->find('\0') != std::string::npos) {
      batch_.faults().add(std::string(name), "must not contain U+0000");
    } else if (auto reason = Attributes::misspelled(name)) {
      batch_.faults().add(std::string(name), std::move(*reason));
    }
  }
  if (is_blank(body)) return read_data(nullptr);
  const element data = parse(pad(body));
  read_data(&data);
}

void JsonEvents::read_data(const element* data) {
  Faults& faults = batch_.faults();
  attributes_.read_into(batch_.envelope(), faults);
  const std::string* type = attributes_.find(Attributes::kType);
  const DomainCodec::Fact* fact = type == nullptr ? nullptr : batch_.domain().find(*type);
  if (type == nullptr) {
    faults.add("type", "is required");
  } else if (fact == nullptr) {
    faults.add("type", "must be one of " + batch_.domain().types());
  }
  simdjson::dom::object object;
  if (data == nullptr) return faults.add("data", "is required");
  if (data->get_object().get(object) != simdjson::SUCCESS) {
    return faults.add("data", "must be an object");
  }
  if (fact == nullptr) return;
  google::protobuf::Message& message = batch_.empty_fact(*fact);
  read_message(object, message, {.name = "data"}, faults);
  batch_.check(*fact, message);
  batch_.admit(*fact, message);
}

}  // namespace sluice
