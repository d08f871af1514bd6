#pragma once

#include <optional>
#include <string_view>

#include "tools/import/atproto/data/fault.h"
#include "tools/import/atproto/data/value.h"

namespace sluice::atproto {

// The one JSON value (RFC 8259) that `text` is, between white space. Kinds bytes and link are not
// made: `{"$bytes":...}` and `{"$link":...}` stay maps. Refused besides what is no JSON:
// - a fraction or an exponent: the data model has no floats. "123.0" is read as 123, which the
//   interoperability tests ask for (data-model-valid.json);
// - whole numbers beyond 64 bits with sign;
// - a key for the second time, however it is escaped;
// - half of a surrogate pair: no UTF-8 says it, so no record in CBOR has it, and either U+FFFD or
//   three stray bytes in its place would be a text that nobody wrote;
// - more than `max_depth` lists and maps inside each other, more than kMaxValues, 2 GiB.
// U+0000 is read as U+FFFD. `into` has views of `text`, and is of no use after a fault.
[[nodiscard]] std::optional<Fault> decode_json(std::string_view text, Document& into,
                                               int max_depth = kMaxDepth);

}  // namespace sluice::atproto
