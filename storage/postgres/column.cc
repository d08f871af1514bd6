#include "storage/postgres/column.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "sluice/table.pb.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;

Column::Kind kind_of(const FieldDescriptor& field) {
  using Kind = Column::Kind;
  const ColumnType asked = field.options().GetExtension(column);
  if (field.is_repeated()) return Kind::json;
  if (asked == COLUMN_TIMESTAMP) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) return Kind::timestamp;
    throw Misconfigured(field.full_name() + ": COLUMN_TIMESTAMP belongs to an int64");
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (asked == COLUMN_JSON) return Kind::json_text;
      return field.type() == FieldDescriptor::TYPE_BYTES ? Kind::bytes : Kind::text;
    case FieldDescriptor::CPPTYPE_BOOL:
      return Kind::flag;
    case FieldDescriptor::CPPTYPE_ENUM:
      return Kind::word;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Kind::json;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Kind::real;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return Kind::number;
  }
  throw Misconfigured(field.full_name() + " has no column type");
}

std::vector<std::string> words_of(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) words.push_back(word_of(*type.value(i)));
  return words;
}

}  // namespace

std::vector<Column> columns_of(const google::protobuf::Descriptor& row) {
  std::vector<Column> columns;
  for (int i = 0; i < row.field_count(); ++i) {
    const FieldDescriptor* field = row.field(i);
    if (!is_column(*field)) continue;
    Column made{
        field, kind_of(*field), field->options().GetExtension(key), field->has_presence(), {}};
    if (made.kind == Column::Kind::word) made.words = words_of(*field->enum_type());
    columns.push_back(std::move(made));
  }
  // Wherever a later field is declared, its column comes last: views can only grow at their end.
  std::ranges::sort(columns, {}, [](const Column& column) { return column.field->number(); });
  return columns;
}

std::string_view sql_type(const Column& column) {
  switch (column.kind) {
    case Column::Kind::text:
    case Column::Kind::word:
      return "text";
    case Column::Kind::number:
      return "bigint";
    case Column::Kind::flag:
      return "boolean";
    case Column::Kind::real:
      return "double precision";
    case Column::Kind::bytes:
      return "bytea";
    case Column::Kind::timestamp:
      return "timestamp with time zone";
    case Column::Kind::json_text:
    case Column::Kind::json:
      return "jsonb";
  }
  return "text";
}

}  // namespace sluice
