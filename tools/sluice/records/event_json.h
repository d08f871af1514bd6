#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "storage/base/json_writer.h"

namespace sluice {

// The fields of a fact that are set, as an object in the form that ingest reads: names as in the
// proto, enums by their words, times as RFC 3339 has them, bytes in base64.
void write_fact(JsonWriter& json, const google::protobuf::Message& fact);

[[nodiscard]] std::string base64(std::string_view bytes);

// Whose a record is, which the log has as bytes: `key`, or in base64 `key_base64` where they are no
// UTF-8.
void write_key(JsonWriter& json, std::string_view key);

}  // namespace sluice
