#include "projectors/engine/tables/row_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "schemas/descriptors/row_options.h"
#include "storage/base/check.h"

namespace sluice::row_key {
namespace {

using google::protobuf::FieldDescriptor;

// Text ends in two zero bytes; a zero byte inside it is followed by 0xff, so that a text sorts
// before every longer one that begins with it.
constexpr char kZero = '\0';
constexpr char kEscape = '\xff';

template <class Number>
void append_big_endian(std::string& out, Number number) {
  char bytes[sizeof number];
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes[sizeof number - 1 - i] = static_cast<char>(number >> 8 * i & 0xff);
  }
  out.append(bytes, sizeof number);
}

constexpr std::uint64_t kSignBit = 1ULL << 63;

// Takes encoded values off the front of a key.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}

  std::string text() {
    std::string out;
    for (;;) {
      const std::size_t zero = rest_.find(kZero);
      CHECK(zero != std::string_view::npos && zero + 1 < rest_.size(),
            "keys are of our own making");
      out += rest_.substr(0, zero);
      const char behind = rest_[zero + 1];
      rest_.remove_prefix(zero + 2);
      if (behind == kZero) return out;
      out += kZero;
    }
  }

  std::uint64_t number() {
    CHECK(rest_.size() >= 8, "keys are of our own making");
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < 8; ++i) n = n << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(8);
    return n;
  }

  bool flag() {
    CHECK(!rest_.empty(), "keys are of our own making");
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

void set_field(google::protobuf::Message& row, const FieldDescriptor* field, KeyReader& reader) {
  const auto& reflection = *row.GetReflection();
  const auto as_signed = [&] { return static_cast<std::int64_t>(reader.number() ^ kSignBit); };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&row, field, reader.text());
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&row, field, as_signed());
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&row, field, static_cast<std::int32_t>(as_signed()));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(&row, field, reader.number());
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&row, field, static_cast<std::uint32_t>(reader.number()));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&row, field, reader.flag());
    default:
      CHECK(false, "table.proto lists the types of keys");
  }
}

}  // namespace

void append_key_of(std::string& out, const google::protobuf::Message& row) {
  append_prefix(out, table_prefix(*row.GetDescriptor()));
  for (const FieldDescriptor* field : key_fields(*row.GetDescriptor())) {
    append_field(out, row, field);
  }
}

void set_key(google::protobuf::Message& row, std::string_view encoded) {
  set_key(row, key_fields(*row.GetDescriptor()), encoded);
}

void set_key(google::protobuf::Message& row, std::span<const FieldDescriptor* const> fields,
             std::string_view encoded) {
  CHECK(encoded.size() >= 4, "a key begins with its table's prefix");
  KeyReader reader(encoded.substr(4));
  for (const FieldDescriptor* field : fields) set_field(row, field, reader);
}

std::string after_prefix(std::string_view prefix) {
  std::string out(prefix);
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xff) out.pop_back();
  if (!out.empty()) out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

}  // namespace sluice::row_key
