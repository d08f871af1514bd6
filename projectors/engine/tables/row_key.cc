#include "projectors/engine/tables/row_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/row_options.h"
#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice::row_key {
namespace {

using google::protobuf::FieldDescriptor;

// Text ends in two zero bytes; a zero byte inside it is followed by 0xff, so that a text sorts
// before every longer one that begins with it.
constexpr char kZero = '\0';
constexpr char kEscape = '\xff';
constexpr std::size_t kPrefixBytes = 4;  // of the table

template <class Number>
void append_big_endian(std::string& out, Number number) {
  char bytes[sizeof number];
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes[sizeof number - 1 - i] = static_cast<char>(number >> 8 * i & 0xff);
  }
  out.append(bytes, sizeof number);
}

constexpr std::uint64_t kSignBit = 1ULL << 63;

// Takes encoded values off the front of a key, which may be any bytes: nullopt where there is none.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  std::optional<std::string> text() {
    std::string out;
    for (;;) {
      const std::size_t zero = rest_.find(kZero);
      if (zero == std::string_view::npos || zero + 1 == rest_.size()) return std::nullopt;
      out += rest_.substr(0, zero);
      const char behind = rest_[zero + 1];
      rest_.remove_prefix(zero + 2);
      if (behind == kZero) return out;
      if (behind != kEscape) return std::nullopt;
      out += kZero;
    }
  }

  // Whether this text comes next.
  bool takes(std::string_view text) {
    for (;;) {
      const std::size_t zero = text.find(kZero);
      const std::string_view part = text.substr(0, zero);
      const bool last = zero == std::string_view::npos;
      if (!rest_.starts_with(part) || rest_.size() < part.size() + 2) return false;
      if (rest_[part.size()] != kZero) return false;
      if (rest_[part.size() + 1] != (last ? kZero : kEscape)) return false;
      rest_.remove_prefix(part.size() + 2);
      if (last) return true;
      text.remove_prefix(zero + 1);
    }
  }

  std::optional<std::uint64_t> number() {
    if (rest_.size() < 8) return std::nullopt;
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < 8; ++i) n = n << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(8);
    return n;
  }

  std::optional<std::int64_t> signed_number() {
    const auto n = number();
    return n ? std::optional(static_cast<std::int64_t>(*n ^ kSignBit)) : std::nullopt;
  }

  std::optional<bool> flag() {
    if (rest_.empty() || static_cast<unsigned char>(rest_.front()) > 1) return std::nullopt;
    const bool value = rest_.front() != 0;
    rest_.remove_prefix(1);
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::uint32_t table_prefix(const google::protobuf::Descriptor& row) {
  constexpr std::uint32_t kTableBit = 0x80000000u;  // the engine's own keys have it clear
  const std::string& name = row.full_name();
  return static_cast<std::uint32_t>(XXH3_64bits(name.data(), name.size())) | kTableBit;
}

void append_prefix(std::string& out, std::uint32_t prefix) { append_big_endian(out, prefix); }

void append(std::string& out, std::string_view text) {
  while (true) {
    const std::size_t zero = text.find(kZero);
    out.append(text.data(), std::min(zero, text.size()));
    if (zero == std::string_view::npos) break;
    out += kZero;
    out += kEscape;
    text.remove_prefix(zero + 1);
  }
  out.append(2, kZero);
}

void append(std::string& out, Begins begins) {
  append(out, begins.text);
  out.resize(out.size() - 2);  // whatever may follow
}

void append(std::string& out, std::uint64_t number) { append_big_endian(out, number); }

void append(std::string& out, std::int64_t number) {
  append_big_endian(out, static_cast<std::uint64_t>(number) ^ kSignBit);
}

void append(std::string& out, bool flag) { out += static_cast<char>(flag); }

namespace {

void append_field(std::string& out, const google::protobuf::Message& row,
                  const FieldDescriptor* field) {
  const auto& reflection = *row.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return append(out, std::string_view(reflection.GetString(row, field)));
    case FieldDescriptor::CPPTYPE_INT64:
      return append(out, reflection.GetInt64(row, field));
    case FieldDescriptor::CPPTYPE_INT32:
      return append(out, std::int64_t{reflection.GetInt32(row, field)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return append(out, reflection.GetUInt64(row, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return append(out, std::uint64_t{reflection.GetUInt32(row, field)});
    case FieldDescriptor::CPPTYPE_BOOL:
      return append(out, reflection.GetBool(row, field));
    default:
      CHECK(false, "table.proto lists the types of keys");
  }
}

// Of one of 32 bits, too, whose key has 64.
template <class Number, class Wide>
std::optional<Number> narrowed(std::optional<Wide> wide) {
  if (!wide || !std::in_range<Number>(*wide)) return std::nullopt;
  return static_cast<Number>(*wide);
}

bool read_field(google::protobuf::Message& row, const google::protobuf::Reflection& reflection,
                const FieldDescriptor* field, KeyReader& reader) {
  const auto set = [&](auto value, auto setter) {
    if (value) (reflection.*setter)(&row, field, *std::move(value));
    return value.has_value();
  };
  using Reflection = google::protobuf::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return set(reader.text(), &Reflection::SetString);
    case FieldDescriptor::CPPTYPE_INT64:
      return set(reader.signed_number(), &Reflection::SetInt64);
    case FieldDescriptor::CPPTYPE_INT32:
      return set(narrowed<std::int32_t>(reader.signed_number()), &Reflection::SetInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(reader.number(), &Reflection::SetUInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return set(narrowed<std::uint32_t>(reader.number()), &Reflection::SetUInt32);
    case FieldDescriptor::CPPTYPE_BOOL:
      return set(reader.flag(), &Reflection::SetBool);
    default:
      CHECK(false, "table.proto lists the types of keys");
  }
}

bool field_is_next(const google::protobuf::Message& row,
                   const google::protobuf::Reflection& reflection, const FieldDescriptor* field,
                   KeyReader& reader) {
  std::string scratch;  // of strings that protobuf does not keep as such: none
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reader.takes(reflection.GetStringReference(row, field, &scratch));
    case FieldDescriptor::CPPTYPE_INT64:
      return reader.signed_number() == reflection.GetInt64(row, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return reader.signed_number() == reflection.GetInt32(row, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reader.number() == reflection.GetUInt64(row, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reader.number() == reflection.GetUInt32(row, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reader.flag() == reflection.GetBool(row, field);
    default:
      CHECK(false, "table.proto lists the types of keys");
  }
}

bool read_key(google::protobuf::Message& row, KeyFields fields, std::string_view key) {
  if (key.size() < kPrefixBytes) return false;
  KeyReader reader(key.substr(kPrefixBytes));
  const auto& reflection = *row.GetReflection();
  for (const FieldDescriptor* field : fields) {
    if (!read_field(row, reflection, field, reader)) return false;
  }
  return reader.at_end();
}

}  // namespace

void append_key_of(std::string& out, const google::protobuf::Message& row) {
  append_prefix(out, table_prefix(*row.GetDescriptor()));
  for (const FieldDescriptor* field : key_fields(*row.GetDescriptor())) {
    append_field(out, row, field);
  }
}

bool read_key(google::protobuf::Message& row, std::string_view key) {
  return read_key(row, key_fields(*row.GetDescriptor()), key);
}

void set_key(google::protobuf::Message& row, std::string_view key) {
  set_key(row, key_fields(*row.GetDescriptor()), key);
}

void set_key(google::protobuf::Message& row, std::span<const FieldDescriptor* const> fields,
             std::string_view key) {
  if (read_key(row, fields, key)) return;
  throw DamagedState("the key of a row of table " + row.GetDescriptor()->full_name() +
                     " cannot be read");
}

bool is_key_of(const google::protobuf::Message& row, KeyFields fields, std::string_view key) {
  if (key.size() < kPrefixBytes) return false;
  KeyReader reader(key.substr(kPrefixBytes));
  const auto& reflection = *row.GetReflection();
  for (const FieldDescriptor* field : fields) {
    if (!field_is_next(row, reflection, field, reader)) return false;
  }
  return reader.at_end();
}

void parse_stored(google::protobuf::Message& row, std::string_view bytes) {
  if (row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  throw DamagedState("a row of table " + row.GetDescriptor()->full_name() + " cannot be read");
}

void require_key_of(const google::protobuf::Message& row, KeyFields fields, std::string_view key) {
  if (is_key_of(row, fields, key)) return;
  throw DamagedState("a row of table " + row.GetDescriptor()->full_name() +
                     " stands under a key that is not its own");
}

void read_stored(google::protobuf::Message& row, KeyFields fields, std::string_view key,
                 std::string_view bytes) {
  parse_stored(row, bytes);
  require_key_of(row, fields, key);
}

std::string after_prefix(std::string_view prefix) {
  std::string out(prefix);
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xff) out.pop_back();
  if (!out.empty()) out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

}  // namespace sluice::row_key
