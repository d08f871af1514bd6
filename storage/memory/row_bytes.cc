#include "storage/memory/row_bytes.h"

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"

namespace sluice::memory {

using google::protobuf::Message;

std::string key_of(const Message& row) {
  std::unique_ptr<Message> only_key(row.New());
  const auto& reflection = *row.GetReflection();
  for (const auto* field : key_fields(*row.GetDescriptor())) {
    switch (field->cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(only_key.get(), field, reflection.GetString(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(only_key.get(), field, reflection.GetInt64(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(only_key.get(), field, reflection.GetInt32(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(only_key.get(), field, reflection.GetUInt64(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(only_key.get(), field, reflection.GetUInt32(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(only_key.get(), field, reflection.GetBool(row, field));
        break;
      default:
        throw Misconfigured("a key of " + row.GetTypeName() + " is of no key type");
    }
  }
  return only_key->SerializeAsString();
}

std::shared_ptr<const Message> copy_of(const Message& row) {
  std::shared_ptr<Message> copy(row.New());
  copy->CopyFrom(row);
  return copy;
}

const std::string& first_key(const google::protobuf::Message& row) {
  static const std::string none;
  std::string scratch;
  const auto* field = key_fields(*row.GetDescriptor()).front();
  return field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING
             ? row.GetReflection()->GetStringReference(row, field, &scratch)
             : none;
}

}  // namespace sluice::memory
