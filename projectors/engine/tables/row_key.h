#pragma once

// Keys of rows as bytes whose order is the order of the values: table prefix, then the key fields
// in turn. Text compares by its bytes (Postgres: COLLATE "C"), numbers by value, false before true.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::row_key {

// Four bytes that tell a table's keys from every other's in the same store.
[[nodiscard]] std::uint32_t table_prefix(const google::protobuf::Descriptor& row);

// As the last of a prefix: the texts that begin so.
struct Begins {
  std::string_view text;
};

void append_prefix(std::string& out, std::uint32_t prefix);
void append(std::string& out, Begins begins);
void append(std::string& out, std::string_view text);
void append(std::string& out, std::uint64_t number);
void append(std::string& out, std::int64_t number);
void append(std::string& out, bool flag);

template <class T>
void append_part(std::string& out, const T& part) {
  if constexpr (std::same_as<T, Begins> || std::same_as<T, bool>) {
    append(out, part);
  } else if constexpr (std::convertible_to<T, std::string_view>) {
    append(out, std::string_view(part));
  } else if constexpr (std::signed_integral<T>) {
    append(out, static_cast<std::int64_t>(part));
  } else {
    static_assert(std::unsigned_integral<T>, "keys are text, integers and flags");
    append(out, static_cast<std::uint64_t>(part));
  }
}

// Appends what stands in `row`'s key fields, with the table's prefix.
void append_key_of(std::string& out, const google::protobuf::Message& row);

// Sets `row`'s key fields to what `key` (with its table's prefix) holds. DamagedState: it is none.
void set_key(google::protobuf::Message& row, std::string_view key);
// The same for a caller that has the row's key_fields() at hand.
void set_key(google::protobuf::Message& row,
             std::span<const google::protobuf::FieldDescriptor* const> fields,
             std::string_view key);

// The first key behind all that begin with `prefix`; empty: there is none.
[[nodiscard]] std::string after_prefix(std::string_view prefix);

}  // namespace sluice::row_key
