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
//
// Numbers. A field of an integer takes every JSON number whose value is one, however it is written:
// -0, -0.0 and -0e0 are 0, 1.0 is 1, 1e2 is 100. Fraction and exponent are read as a double, so
// from 2^53 on they are refused. What is no whole number (0.5) or needs more bits than the type has
// is refused, never rounded. A text is digits alone, with a minus before what is negative. A double
// takes every number within its range, the nearest to what is written; 0 has no sign there either.
void read_message(simdjson::dom::object object, google::protobuf::Message& message,
                  const JsonPlace& place, Faults& faults);

// Decodes base64 with the standard alphabet and padding (RFC 4648); false when it is none.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& bytes);

}  // namespace sluice
