#include "storage/row_fault.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <memory>

#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/json_writer.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

bool is_key(const FieldDescriptor& field) {
  for (const FieldDescriptor* key : key_fields(*field.containing_type())) {
    if (key == &field) return true;
  }
  return false;
}

// What has no one value in JSON is its text.
std::string field_json(const Message& row, const FieldDescriptor& field) {
  const auto& r = *row.GetReflection();
  if (field.is_repeated() || field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    const std::unique_ptr<Message> alone(row.New());
    alone->CopyFrom(row);
    std::vector<const FieldDescriptor*> set;
    r.ListFields(row, &set);
    for (const FieldDescriptor* other : set) {
      if (other != &field) r.ClearField(alone.get(), other);
    }
    return json_string(alone->ShortDebugString());
  }
  if (field.has_presence() && !r.HasField(row, &field)) return "null";
  JsonWriter json;
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      json.number(r.GetInt32(row, &field));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      json.number(r.GetInt64(row, &field));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      json.number(std::int64_t{r.GetUInt32(row, &field)});
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(r.GetUInt64(row, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      json.real(r.GetDouble(row, &field));
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      json.real(double{r.GetFloat(row, &field)});
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetBool(row, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return json_string(word_of(*r.GetEnum(row, &field)));
    case FieldDescriptor::CPPTYPE_STRING:
      return json_string(r.GetStringReference(row, &field, &scratch));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return json.take();
}

// The one row that is there.
std::string row_json(const Message& row, bool columns_only) {
  JsonWriter json;
  json.begin_object();
  const auto& type = *row.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (columns_only && !is_column(*type.field(i))) continue;
    json.name(type.field(i)->name()).json(field_json(row, *type.field(i)));
  }
  return json.end_object().take();
}

bool same_field(const Message& a, const Message& b, const FieldDescriptor& field) {
  MessageDifferencer differencer;
  const std::vector<const FieldDescriptor*> one{&field};
  return differencer.CompareWithFields(a, b, one, one);
}

}  // namespace

std::string_view word(RowFault::Side side) {
  return side == RowFault::Side::view ? "view" : "state";
}

std::string_view word(RowFault::What what) {
  switch (what) {
    case RowFault::What::changed:
      return "changed";
    case RowFault::What::missing:
      return "missing";
    case RowFault::What::extra:
      return "extra";
  }
  return "";
}

void RowFaults::add_common(const RowFaults& first, const RowFaults& second) {
  for (const RowFault& fault : second.kept()) {
    const bool found_before =
        !first.all_kept() ||
        std::ranges::any_of(first.kept(), [&](const RowFault& each) { return each.is_of(fault); });
    if (found_before) add(fault);
  }
  count_ += second.count() - static_cast<std::int64_t>(second.kept().size());
}

std::string key_json(const Message& row) {
  JsonWriter json;
  json.begin_object();
  for (const FieldDescriptor* field : key_fields(*row.GetDescriptor())) {
    json.name(field->name()).json(field_json(row, *field));
  }
  return json.end_object().take();
}

void compare_rows(RowFault::Side side, const Message* expected, const Message* found,
                  bool columns_only, RowFaults& faults) {
  const Message& row = expected != nullptr ? *expected : *found;
  const auto make = [&](RowFault::What what) {
    RowFault fault;
    fault.side = side;
    fault.what = what;
    fault.owner = Belonging(*row.GetDescriptor()).key_of(row);
    fault.table = table_name(*row.GetDescriptor());
    fault.key = key_json(row);
    fault.expected = fault.found = "null";
    return fault;
  };
  if (expected == nullptr || found == nullptr) {
    RowFault fault = make(found == nullptr ? RowFault::What::missing : RowFault::What::extra);
    (found == nullptr ? fault.expected : fault.found) = row_json(row, columns_only);
    return faults.add(std::move(fault));
  }
  if (MessageDifferencer::Equals(*expected, *found)) return;
  const auto& type = *row.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (is_key(field) || (columns_only && !is_column(field))) continue;
    if (same_field(*expected, *found, field)) continue;
    RowFault fault = make(RowFault::What::changed);
    fault.column = field.name();
    fault.expected = field_json(*expected, field);
    fault.found = field_json(*found, field);
    faults.add(std::move(fault));
  }
}

}  // namespace sluice
