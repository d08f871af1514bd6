#pragma once

// A fact's JSON as its message, by the message's descriptor alone.

#include <google/protobuf/message.h>
#include <simdjson.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/fault.h"

namespace sluice {

// Where a value stands in its event; a text only once it is asked for.
struct JsonPlace {
  std::string_view name;
  const JsonPlace* within = nullptr;
  std::optional<std::size_t> item = std::nullopt;

  [[nodiscard]] std::string text() const;  // "data.seeds[3].body"
};

// Reads a JSON object into `message`, which is empty: proto JSON with snake_case names and an
// enum's lower-case word; null is absent. What does not fit is added to `faults` with its place,
// and the rest is read on.
void read_message(simdjson::dom::object object, google::protobuf::Message& message,
                  const JsonPlace& place, Faults& faults);

// Decodes base64 with the standard alphabet and padding (RFC 4648); false when it is none.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& bytes);

}  // namespace sluice
