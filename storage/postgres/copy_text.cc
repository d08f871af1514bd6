#include "storage/postgres/copy_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void append_padded(std::int64_t value, std::size_t width, std::string& out) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

// The shortest digits that read back the same, laid out as Postgres does.
void append_real(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char digits[64];
  const auto scientific =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific);
  const std::string_view text(digits, static_cast<std::size_t>(scientific.ptr - digits));
  const std::size_t mark = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + mark + (text[mark + 1] == '+' ? 2 : 1), scientific.ptr, exponent);
  if (exponent < -4 || exponent >= 15) {
    out += text;
    return;
  }
  const auto fixed = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
  out.append(digits, fixed.ptr);
}

void append_plain_hex(std::string_view bytes, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

void append_json_value(const Message& message, const FieldDescriptor& field, int index,
                       std::string& out);

void append_json_object(const Message& message, std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  const auto& type = *message.GetDescriptor();
  out += '{';
  bool first = true;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.has_presence() && !reflection.HasField(message, &field)) continue;
    if (!first) out += ',';
    first = false;
    append_json_string(out, field.name());
    out += ':';
    append_json_value(message, field, -1, out);
  }
  out += '}';
}

void append_json_items(const Message& message, const FieldDescriptor& field, std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, &field);
  out += field.is_map() ? '{' : '[';
  for (int i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    if (!field.is_map()) {
      append_json_value(message, field, i, out);
      continue;
    }
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const bool quoted = key_field.cpp_type() != FieldDescriptor::CPPTYPE_STRING;
    if (quoted) out += '"';
    append_json_value(entry, key_field, -1, out);
    if (quoted) out += '"';
    out += ':';
    append_json_value(entry, *field.message_type()->map_value(), -1, out);
  }
  out += field.is_map() ? '}' : ']';
}

// The field's value, or its item when index is not -1.
void append_json_value(const Message& message, const FieldDescriptor& field, int index,
                       std::string& out) {
  const Reflection& r = *message.GetReflection();
  if (index < 0 && field.is_repeated()) return append_json_items(message, field, out);
  const bool item = index >= 0;
  std::string buffer;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return append_number(
          item ? r.GetRepeatedInt32(message, &field, index) : r.GetInt32(message, &field), out);
    case FieldDescriptor::CPPTYPE_INT64:
      return append_number(
          item ? r.GetRepeatedInt64(message, &field, index) : r.GetInt64(message, &field), out);
    case FieldDescriptor::CPPTYPE_UINT32:
      return append_number(
          item ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field), out);
    case FieldDescriptor::CPPTYPE_UINT64:
      out += std::to_string(item ? r.GetRepeatedUInt64(message, &field, index)
                                 : r.GetUInt64(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const bool wide = field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
      const double value =
          wide ? (item ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field))
               : double{item ? r.GetRepeatedFloat(message, &field, index)
                             : r.GetFloat(message, &field)};
      // JSON has no such numbers.
      if (!std::isfinite(value)) out += '"';
      append_real(value, out);
      if (!std::isfinite(value)) out += '"';
      return;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      out += (item ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field))
                 ? "true"
                 : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value =
          item ? r.GetRepeatedEnum(message, &field, index) : r.GetEnum(message, &field);
      return append_json_string(out, word_of(*value));
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string& value = item
                                     ? r.GetRepeatedStringReference(message, &field, index, &buffer)
                                     : r.GetStringReference(message, &field, &buffer);
      if (field.type() != FieldDescriptor::TYPE_BYTES) return append_json_string(out, value);
      out += '"';
      append_plain_hex(value, out);
      out += '"';
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return append_json_object(
          item ? r.GetRepeatedMessage(message, &field, index) : r.GetMessage(message, &field), out);
  }
}

// A number outside the enum has a made-up descriptor: nothing of ours writes one.
void append_word(const Column& column, int index, std::string& out) {
  if (index < 0 || static_cast<std::size_t>(index) >= column.words.size()) {
    throw Corrupt("a row has a value of " + column.field->full_name() +
                  " that this program has no word for: start the version that folded it");
  }
  out += column.words[static_cast<std::size_t>(index)];
}

}  // namespace

void append_column(const Message& row, const Column& column, std::string& out,
                   std::string& scratch) {
  const Reflection& r = *row.GetReflection();
  const FieldDescriptor* field = column.field;
  if (column.nullable && !r.HasField(row, field)) {
    out += "\\N";
    return;
  }
  switch (column.kind) {
    case Column::Kind::text:
      return append_escaped(r.GetStringReference(row, field, &scratch), out);
    case Column::Kind::json_text: {
      const std::string& json = r.GetStringReference(row, field, &scratch);
      return append_escaped(json.empty() ? std::string_view("{}") : json, out);
    }
    case Column::Kind::bytes:
      return append_hex(r.GetStringReference(row, field, &scratch), out);
    case Column::Kind::timestamp:
      return append_time(r.GetInt64(row, field), out);
    case Column::Kind::flag:
      out += r.GetBool(row, field) ? 't' : 'f';
      return;
    case Column::Kind::real:
      return append_real(field->cpp_type() == FieldDescriptor::CPPTYPE_FLOAT
                             ? double{r.GetFloat(row, field)}
                             : r.GetDouble(row, field),
                         out);
    case Column::Kind::word:
      return append_word(column, r.GetEnum(row, field)->index(), out);
    case Column::Kind::json:
      scratch.clear();
      append_json_value(row, *field, -1, scratch);
      return append_escaped(scratch, out);
    case Column::Kind::number:
      break;
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return append_number(r.GetInt32(row, field), out);
    case FieldDescriptor::CPPTYPE_UINT32:
      return append_number(r.GetUInt32(row, field), out);
    case FieldDescriptor::CPPTYPE_INT64:
      return append_number(r.GetInt64(row, field), out);
    default:
      out += std::to_string(r.GetUInt64(row, field));  // beyond bigint: refused by Postgres
  }
}

void append_line(const Message& row, const std::vector<Column>& columns, bool only_key,
                 std::string& out, std::string& scratch) {
  bool first = true;
  for (const Column& each : columns) {
    if (only_key && !each.key) continue;
    if (!first) out += '\t';
    first = false;
    append_column(row, each, out, scratch);
  }
  out += '\n';
}

namespace {

// How many bytes the UTF-8 character at the front takes; 0: there is none (Unicode, table 3-7).
std::size_t character_size(std::string_view bytes) {
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool too_large = first == 0xf4 && byte(1) > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string storable_text(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    if (size > 0) {
      text += bytes.substr(0, size);
    } else {
      const auto byte = static_cast<unsigned char>(bytes.front());
      text += "\\x";
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
    bytes.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return text;
}

void append_escaped(std::string_view value, std::string& out) {
  for (std::size_t special = value.find_first_of("\\\n\r\t"); special != std::string_view::npos;
       special = value.find_first_of("\\\n\r\t")) {
    out += value.substr(0, special);
    out += '\\';
    const char c = value[special];
    out += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : '\\';
    value.remove_prefix(special + 1);
  }
  out += value;
}

void append_number(std::int64_t value, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// Days to a civil date over the whole range of int64 milliseconds, which chrono's year is too small
// for: Howard Hinnant's days algorithm, eras of 400 years from 0000-03-01.
void append_time(std::int64_t milliseconds, std::string& out) {
  constexpr std::int64_t kDay = 86'400'000;
  std::int64_t days = milliseconds / kDay;
  std::int64_t rest = milliseconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  append_padded(year > 0 ? year : 1 - year, 4, out);
  const auto piece = [&out](char before, std::int64_t value) {
    out += before;
    append_padded(value, 2, out);
  };
  piece('-', month);
  piece('-', day);
  piece(' ', rest / 3'600'000);
  piece(':', rest / 60'000 % 60);
  piece(':', rest / 1000 % 60);
  if (rest % 1000 != 0) {
    out += '.';
    append_padded(rest % 1000, 3, out);
    while (out.back() == '0') out.pop_back();
  }
  out += "+00";
  if (year <= 0) out += " BC";
}

void append_hex(std::string_view bytes, std::string& out) {
  out += "\\\\x";
  append_plain_hex(bytes, out);
}

std::string time_text(Time time) {
  std::string text;
  append_time(time.time_since_epoch().count(), text);
  return text;
}

std::string record_time_text(Time time) { return time == Time{} ? "" : time_text(time); }

}  // namespace sluice
