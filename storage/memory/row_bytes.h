#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>

namespace sluice::memory {

// The key fields alone, serialized: the same bytes for the same key, since fields are in order.
[[nodiscard]] std::string key_of(const google::protobuf::Message& row);

// The value of the first key field, which is what a computed row is of; "" where it is no text.
// Borrowed from the row.
[[nodiscard]] const std::string& first_key(const google::protobuf::Message& row);

[[nodiscard]] std::shared_ptr<const google::protobuf::Message> copy_of(
    const google::protobuf::Message& row);

}  // namespace sluice::memory
