#include "schemas/descriptors/contract_text.h"

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <sstream>

#include "schemas/descriptors/domain.h"
#include "sluice/envelope.pb.h"
#include "sluice/rule.pb.h"
#include "sluice/table.pb.h"

using namespace sluice;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;

namespace {

FieldDescriptorProto& field(FileDescriptorProto& file, int message, const char* name, int number,
                            FieldDescriptorProto::Type type) {
  FieldDescriptorProto& made = *file.mutable_message_type(message)->add_field();
  made.set_name(name);
  made.set_number(number);
  made.set_type(type);
  made.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  return made;
}

constexpr int kRow = 0;
constexpr int kFact = 1;
constexpr int kMemory = 2;

// A published table, a fact with a word of an enum, and a table that is not published.
FileDescriptorProto released_file() {
  FileDescriptorProto file;
  file.set_syntax("proto3");
  file.set_package("shop");
  file.set_name("shop.proto");
  file.add_dependency("sluice/table.proto");
  file.add_dependency("sluice/rule.proto");
  auto& row = *file.add_message_type();
  row.set_name("Sale");
  row.mutable_options()->MutableExtension(table)->set_published(true);
  field(file, kRow, "id", 1, FieldDescriptorProto::TYPE_STRING)
      .mutable_options()
      ->SetExtension(key, true);
  field(file, kRow, "price", 3, FieldDescriptorProto::TYPE_INT64);
  field(file, kRow, "size", 4, FieldDescriptorProto::TYPE_ENUM).set_type_name(".shop.Size");
  field(file, kRow, "remembered", 16, FieldDescriptorProto::TYPE_STRING)
      .mutable_options()
      ->SetExtension(column, COLUMN_NONE);
  file.add_message_type()->set_name("Sold");
  field(file, kFact, "id", 1, FieldDescriptorProto::TYPE_STRING);
  field(file, kFact, "note", 2, FieldDescriptorProto::TYPE_STRING)
      .mutable_options()
      ->MutableExtension(rule)
      ->set_default_("none");
  file.add_message_type()->set_name("Memory");
  file.mutable_message_type(kMemory)->mutable_options()->MutableExtension(table);
  field(file, kMemory, "id", 1, FieldDescriptorProto::TYPE_STRING);
  auto& size = *file.add_enum_type();
  size.set_name("Size");
  for (const auto& [name, number] : {std::pair{"SIZE_SMALL", 0}, std::pair{"SIZE_LARGE", 1}}) {
    auto& value = *size.add_value();
    value.set_name(name);
    value.set_number(number);
  }
  return file;
}

// Facts stand in a file of their own.
std::string text_of(const FileDescriptorProto& file) {
  FileDescriptorProto rows = file;
  rows.mutable_message_type()->DeleteSubrange(kFact, 1);
  FileDescriptorProto facts = file;
  facts.set_name("facts.proto");
  facts.set_package("facts");
  facts.mutable_message_type()->DeleteSubrange(kMemory, 1);
  facts.mutable_message_type()->DeleteSubrange(kRow, 1);
  facts.clear_enum_type();
  DescriptorPool pool(DescriptorPool::generated_pool());
  const google::protobuf::FileDescriptor* files[] = {pool.BuildFile(rows), pool.BuildFile(facts)};
  REQUIRE(files[0] != nullptr);
  REQUIRE(files[1] != nullptr);
  return contract_text(files);
}

// What a change of the released file breaks.
std::string broken(const std::function<void(FileDescriptorProto&)>& change) {
  FileDescriptorProto changed = released_file();
  change(changed);
  std::string all;
  for (const std::string& promise : broken_promises(text_of(released_file()), text_of(changed))) {
    all += promise + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("what is built in keeps every promise of the last release") {
  std::vector<const google::protobuf::FileDescriptor*> files{Envelope::descriptor()->file()};
  for (const Domain& domain : domains()) {
    files.push_back(domain.event->file());
    files.push_back(domain.tables);
  }
  std::ifstream in("schemas/released.txt");
  std::ostringstream released;
  REQUIRE(released << in.rdbuf());
  const auto broken = broken_promises(released.str(), contract_text(files));
  for (const std::string& promise : broken) UNSCOPED_INFO(promise);
  CHECK(broken.empty());
}

TEST_CASE("a contract is what logs and readers have, not what the fold remembers") {
  CHECK(text_of(released_file()) ==
        "message facts.Sold\n  1 id string\n  2 note string default \"none\"\n"
        "table shop.Sale\n  1 id string key\n  3 price int64\n  4 size shop.Size\n"
        "enum shop.Size\n  0 SIZE_SMALL\n  1 SIZE_LARGE\n");
}

TEST_CASE("additions break nothing") {
  CHECK(broken([](FileDescriptorProto& file) {
          field(file, kRow, "discount", 5, FieldDescriptorProto::TYPE_INT64);
          field(file, kFact, "buyer", 3, FieldDescriptorProto::TYPE_STRING);
          auto& value = *file.mutable_enum_type(0)->add_value();
          value.set_name("SIZE_HUGE");
          value.set_number(2);
          file.mutable_message_type(kMemory)->mutable_field(0)->set_number(9);
          file.mutable_message_type(kRow)->mutable_field(3)->set_number(17);
        }) == "");
}

TEST_CASE("renumbering, retyping, reuse and removal break promises") {
  struct Case {
    std::function<void(FileDescriptorProto&)> change;
    std::string saying;
  };
  const std::vector<Case> cases = {
      {[](auto& file) { file.mutable_message_type(kRow)->mutable_field(1)->set_number(9); },
       "\"3 price int64\" is gone"},
      {[](auto& file) {
         file.mutable_message_type(kRow)->mutable_field(1)->set_type(
             FieldDescriptorProto::TYPE_STRING);
       },
       "\"3 price int64\" is now \"3 price string\""},
      {[](auto& file) { file.mutable_message_type(kRow)->mutable_field(1)->set_name("cost"); },
       "is now \"3 cost int64\""},
      {[](auto& file) { file.mutable_message_type(kRow)->mutable_field()->RemoveLast(); }, ""},
      {[](auto& file) { file.mutable_message_type(kFact)->mutable_field()->RemoveLast(); },
       "\"2 note string default \"none\"\" is gone"},
      {[](auto& file) {
         file.mutable_message_type(kFact)->mutable_field(1)->mutable_options()->Clear();
       },
       "is now \"2 note string\""},
      {[](auto& file) { file.mutable_message_type(kFact)->set_name("Bought"); },
       "message facts.Sold is gone"},
      {[](auto& file) { file.mutable_enum_type(0)->mutable_value(1)->set_number(2); },
       "\"1 SIZE_LARGE\" is gone"},
      {[](auto& file) { field(file, kRow, "between", 2, FieldDescriptorProto::TYPE_INT64); },
       "comes before columns that readers have: give it a number above 4"},
      {[](auto& file) {
         field(file, kRow, "more", 5, FieldDescriptorProto::TYPE_STRING)
             .mutable_options()
             ->SetExtension(key, true);
       },
       "is a key, but the rows"},
      {[](auto& file) {
         field(file, kFact, "more", 5, FieldDescriptorProto::TYPE_STRING)
             .mutable_options()
             ->MutableExtension(rule)
             ->set_required(true);
       },
       "is required, but what was posted"},
  };
  for (const Case& each : cases) {
    const std::string said = broken(each.change);
    INFO(said);
    CHECK(said.empty() == each.saying.empty());
    CHECK_THAT(said, Catch::Contains(each.saying));
  }
}
