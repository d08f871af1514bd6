#pragma once

#include <optional>
#include <string>

#include "tools/import/atproto/data/fault.h"
#include "tools/import/atproto/data/value.h"

namespace sluice::atproto {

// What ingest takes of one record (appview's `record`).
constexpr std::size_t kMaxRecordBytes = 384 * 1024;

// Appends a record as canonical JSON: keys by length, then bytes; no spaces; escaped is only what
// JSON wants escaped, controls as \u00xx (json_writer.h); links as {"$link":text}, bytes as
// {"$bytes":base64 without padding}. A record in DAG-CBOR and the same one in JSON, from anyone,
// give the same bytes.
//
// Refused, by the data model of atproto's specification, with the place in the record's input;
// `out` then is as it was:
// - what is no map;
// - `$type` that is no text or empty;
// - a map with `$link` or `$bytes` and something beside it, or whose value is not what the name
//   says: in DAG-CBOR too, where such a map would be read as a link from JSON;
// - a blob (`$type` is "blob") without ref (a link), mimeType (a text) and size (a whole number);
// - more than kMaxDepth lists and maps in each other, as JSON has them: a link is a map there;
// - more than kMaxRecordBytes.
[[nodiscard]] std::optional<Fault> append_canonical(Value record, std::string& out);

}  // namespace sluice::atproto
