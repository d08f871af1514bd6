#pragma once

// Row messages as lines of COPY's text format. Values read as Postgres itself prints them.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/position.h"
#include "storage/postgres/column.h"

namespace sluice {

// Appends one line, its line feed included; only the key's columns when `only_key`. `scratch` is
// reused from row to row.
void append_line(const google::protobuf::Message& row, const std::vector<Column>& columns,
                 bool only_key, std::string& out, std::string& scratch);

// Pieces of lines of other shapes.
void append_column(const google::protobuf::Message& row, const Column& column, std::string& out,
                   std::string& scratch);
void append_escaped(std::string_view value, std::string& out);
// Bytes that may be no text at all, as text: what is not UTF-8, and zero bytes, as \xNN.
[[nodiscard]] std::string storable_text(std::string_view bytes);
void append_number(std::int64_t value, std::string& out);
void append_time(std::int64_t milliseconds, std::string& out);
void append_hex(std::string_view bytes, std::string& out);  // escaped for COPY

[[nodiscard]] std::string time_text(Time time);
// The same; "" where no record was folded that has one.
[[nodiscard]] std::string record_time_text(Time time);

}  // namespace sluice
