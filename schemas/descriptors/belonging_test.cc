#include "schemas/descriptors/belonging.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sluice/table.pb.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptorProto;
using KeyField = std::pair<std::string, FieldDescriptorProto::Type>;

constexpr auto kText = FieldDescriptorProto::TYPE_STRING;
constexpr auto kNumber = FieldDescriptorProto::TYPE_INT32;

TableOptions belonging_to(const std::string& what) {
  TableOptions options;
  options.set_belongs_to(what);
  return options;
}

TableOptions one_per_partition() {
  TableOptions options;
  options.set_per_partition(true);
  return options;
}

// A table of package `shop` with these key fields, and rows of it.
class ShopTable {
 public:
  ShopTable(const std::vector<KeyField>& keys, const TableOptions& options)
      : pool_(google::protobuf::DescriptorPool::generated_pool()) {
    google::protobuf::FileDescriptorProto file;
    file.set_syntax("proto3");
    file.set_name("shop/tables.proto");
    file.set_package("shop");
    file.add_dependency("sluice/table.proto");
    auto& message = *file.add_message_type();
    message.set_name("Sale");
    *message.mutable_options()->MutableExtension(table) = options;
    for (const auto& [name, type] : keys) {
      FieldDescriptorProto& field = *message.add_field();
      field.set_name(name);
      field.set_number(message.field_size());
      field.set_type(type);
      field.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
      field.mutable_options()->SetExtension(key, true);
    }
    static_cast<void>(TableOptions::descriptor());  // so that the generated pool has its file
    file_ = pool_.BuildFile(file);
    REQUIRE(file_ != nullptr);
    row_.reset(messages_.GetPrototype(&type())->New());
  }

  [[nodiscard]] const google::protobuf::Descriptor& type() const { return *file_->message_type(0); }
  [[nodiscard]] const google::protobuf::FileDescriptor& file() const { return *file_; }
  google::protobuf::Message& row(const std::string& field, const std::string& text) {
    row_->GetReflection()->SetString(row_.get(), type().FindFieldByName(field), text);
    return *row_;
  }
  google::protobuf::Message& row(const std::string& field, int number) {
    row_->GetReflection()->SetInt32(row_.get(), type().FindFieldByName(field), number);
    return *row_;
  }

 private:
  google::protobuf::DescriptorPool pool_;
  const google::protobuf::FileDescriptor* file_ = nullptr;
  google::protobuf::DynamicMessageFactory messages_;
  std::unique_ptr<google::protobuf::Message> row_;
};

TEST_CASE("a row belongs to its leading key field, another one, or a part of one") {
  const auto [option, text, owner] =
      GENERATE(Catch::Generators::table<std::string, std::string, std::string>({
          {"", "c/1", "c/1"},
          {"uri", "at://did:plc:abc/app.feed.like/3k", "at://did:plc:abc/app.feed.like/3k"},
          {"did_of_uri(uri)", "at://did:plc:abc/app.feed.like/3k", "did:plc:abc"},
          {"did_of_uri(uri)", "at://did:web:example.org", "did:web:example.org"},
          {"did_of_uri(uri)", "at://", ""},
          {"did_of_uri(uri)", "did:plc:abc", "did:plc:abc"},
          {"first_segment(uri)", "c/1/2", "c"},
          {"first_segment(uri)", "c", "c"},
          {"first_segment(uri)", "/c", ""},
          {"first_segment(uri)", "", ""},
      }));
  ShopTable sales({{"shop", kText}, {"uri", kText}}, belonging_to(option));
  const Belonging belonging(sales.type());
  CHECK(belonging.by_leading_field() == option.empty());
  CHECK_FALSE(belonging.per_partition());
  CHECK(belonging.key_of(sales.row(option.empty() ? "shop" : "uri", text)) == owner);
}

TEST_CASE("a table per partition is keyed by the partition") {
  ShopTable sales({{"partition", kNumber}, {"shop", kText}}, one_per_partition());
  const Belonging belonging(sales.type());
  CHECK(belonging.per_partition());
  CHECK(belonging.partition_of(sales.row("partition", 3)) == 3);
}

TEST_CASE("options that do not fit the key are refused with what to write") {
  TableOptions both = one_per_partition();
  both.set_belongs_to("shop");
  struct Wrong {
    std::vector<KeyField> keys;
    TableOptions options;
    std::string why;
  };
  const std::vector<Wrong> all = {
      {{}, {}, "no field with (sluice.key)"},
      {{{"day", kNumber}, {"shop", kText}}, {}, "day is no text"},
      {{{"shop", kText}}, belonging_to("shops"), "\"shops\" names no key field"},
      {{{"shop", kText}}, belonging_to("did_of_uri(shops)"), "names no key field"},
      {{{"shop", kText}}, belonging_to("domain_of(shop)"), "did_of_uri, first_segment"},
      {{{"shop", kText}, {"day", kNumber}}, belonging_to("day"), "day is no text"},
      {{{"shop", kText}}, one_per_partition(), "`int32 partition`"},
      {{{"partition", kText}}, one_per_partition(), "`int32 partition`"},
      {{{"partition", kNumber}}, both, "belongs_to no key"},
  };
  for (const Wrong& wrong : all) {
    const ShopTable sales(wrong.keys, wrong.options);
    CHECK_THROWS_WITH(Belonging(sales.type()), Catch::Contains("table shop.Sale: ") &&
                                                   Catch::Contains(wrong.why) &&
                                                   Catch::Contains("docs/own_domain.md"));
    CHECK_THROWS_AS(require_belongings(sales.file()), Misconfigured);
  }
}

}  // namespace
}  // namespace sluice
