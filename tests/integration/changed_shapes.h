#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <functional>

#include "shapes/tables.pb.h"

namespace sluice::testing {

// The tables of tests/contract/shapes as another version has them.
class ChangedShapes {
 public:
  using Change = std::function<void(google::protobuf::FileDescriptorProto&)>;

  explicit ChangedShapes(const Change& change) {
    google::protobuf::FileDescriptorProto file;
    shapes::OnlyKey::descriptor()->file()->CopyTo(&file);
    change(file);
    tables_ = pool_.BuildFile(file);
    REQUIRE(tables_ != nullptr);
  }
  // Lives as long as this.
  [[nodiscard]] const google::protobuf::FileDescriptor* tables() const { return tables_; }

 private:
  google::protobuf::DescriptorPool pool_{google::protobuf::DescriptorPool::generated_pool()};
  const google::protobuf::FileDescriptor* tables_ = nullptr;
};

// The first table with a column "later" more, its last.
inline void add_later(google::protobuf::FileDescriptorProto& file,
                      google::protobuf::FieldDescriptorProto::Type type =
                          google::protobuf::FieldDescriptorProto::TYPE_STRING,
                      int number = 20) {
  auto& made = *file.mutable_message_type(0)->add_field();
  made.set_name("later");
  made.set_number(number);
  made.set_type(type);
  made.set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
}

}  // namespace sluice::testing
