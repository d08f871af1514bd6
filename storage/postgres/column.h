#pragma once

// Columns of Postgres from the fields of row messages.

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

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

}  // namespace sluice
