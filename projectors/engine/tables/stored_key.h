#pragma once

// Keys and rows as a state has them: what comes from a disk may be any bytes.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <span>
#include <string_view>

namespace sluice::row_key {

using KeyFields = std::span<const google::protobuf::FieldDescriptor* const>;

// Sets `row`'s key fields to what `key` (with its table's prefix) holds. False: these bytes are no
// key of such a row; the fields in front of what cannot be read are set.
[[nodiscard]] bool read_key(google::protobuf::Message& row, std::string_view key);

// Whether what stands in `row`'s key fields, which are these, is what `key` holds. Allocates
// nothing.
[[nodiscard]] bool is_key_of(const google::protobuf::Message& row, KeyFields fields,
                             std::string_view key);

// DamagedState: these bytes are no such row.
void parse_stored(google::protobuf::Message& row, std::string_view bytes);
// DamagedState: the row, whose key_fields() these are, is another key's.
void require_key_of(const google::protobuf::Message& row, KeyFields fields, std::string_view key);
// Both.
void read_stored(google::protobuf::Message& row, KeyFields fields, std::string_view key,
                 std::string_view bytes);

}  // namespace sluice::row_key
