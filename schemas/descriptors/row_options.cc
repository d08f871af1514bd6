#include "schemas/descriptors/row_options.h"

#include "sluice/state.pb.h"
#include "sluice/table.pb.h"

namespace sluice {

std::vector<const google::protobuf::FieldDescriptor*> key_fields(
    const google::protobuf::Descriptor& row) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  for (int i = 0; i < row.field_count(); ++i) {
    if (row.field(i)->options().GetExtension(key)) fields.push_back(row.field(i));
  }
  return fields;
}

bool is_row(const google::protobuf::Descriptor& message) {
  return message.options().HasExtension(table);
}

bool is_published(const google::protobuf::Descriptor& row) {
  return row.options().GetExtension(table).published();
}

bool is_computed(const google::protobuf::Descriptor& row) {
  return row.options().GetExtension(table).computed();
}

bool is_measured(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(measured);
}

bool is_column(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(column) != COLUMN_NONE;
}

std::vector<const google::protobuf::Descriptor*> published_rows(
    const google::protobuf::FileDescriptor& tables) {
  std::vector<const google::protobuf::Descriptor*> rows;
  for (int i = 0; i < tables.message_type_count(); ++i) {
    if (is_published(*tables.message_type(i))) rows.push_back(tables.message_type(i));
  }
  return rows;
}

const google::protobuf::Descriptor& emission_row() { return *SluiceEmission::descriptor(); }

}  // namespace sluice
