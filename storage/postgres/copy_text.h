#pragma once

// Row messages as lines of COPY's text format. Values read as Postgres itself prints them.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/position.h"

namespace sluice {

// A column of a published table, by its field.
struct Column {
  enum class Kind { text, number, flag, real, bytes, word, timestamp, json_text, json };
  const google::protobuf::FieldDescriptor* field;
  Kind kind;
  bool key;
  bool nullable;
  std::vector<std::string> words;  // of an enum, by value index
};

// A row message's columns, in field order. Misconfigured where a field has no column type.
[[nodiscard]] std::vector<Column> columns_of(const google::protobuf::Descriptor& row);

[[nodiscard]] std::string_view sql_type(const Column& column);

// Appends one line, its line feed included; only the key's columns when `only_key`. `scratch` is
// reused from row to row.
void append_line(const google::protobuf::Message& row, const std::vector<Column>& columns,
                 bool only_key, std::string& out, std::string& scratch);

// Pieces of lines of other shapes.
void append_escaped(std::string_view value, std::string& out);
// Bytes that may be no text at all, as text: what is not UTF-8, and zero bytes, as \xNN.
[[nodiscard]] std::string storable_text(std::string_view bytes);
void append_number(std::int64_t value, std::string& out);
void append_time(std::int64_t milliseconds, std::string& out);
void append_hex(std::string_view bytes, std::string& out);  // escaped for COPY

[[nodiscard]] std::string time_text(Time time);

}  // namespace sluice
