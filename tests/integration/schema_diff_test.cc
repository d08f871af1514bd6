// What a program would change of the tables that readers see, and what of it takes a generation.

#include "storage/postgres/schema_diff.h"

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>

#include "shapes/tables.pb.h"
#include "sluice/table.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "tests/integration/changed_shapes.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;

PublishedSchema schema_of(const ChangedShapes& changed) {
  return {.domain = "shapes", .tables = changed.tables()};
}

FieldDescriptorProto& field(DescriptorProto& message, const std::string& name) {
  for (auto& each : *message.mutable_field()) {
    if (each.name() == name) return each;
  }
  FieldDescriptorProto& made = *message.add_field();
  made.set_name(name);
  made.set_number(100 + message.field_size());
  made.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  made.set_type(FieldDescriptorProto::TYPE_STRING);
  return made;
}

DescriptorProto& every_type(FileDescriptorProto& file) { return *file.mutable_message_type(0); }

// "column_added every_type.later: -> text", and "!" where it takes a generation.
std::vector<std::string> changes(const std::string& url, const PublishedSchema& schema) {
  std::vector<std::string> all;
  const SchemaDifference found = schema_difference(url, schema);
  bool any = false;
  for (const SchemaChange& each : found.changes) {
    all.push_back(each.kind + " " + each.name + ": " + each.from + " -> " + each.to +
                  (each.needs_generation ? " !" : ""));
    any = any || each.needs_generation;
  }
  CHECK(found.needs_generation() == any);
  return all;
}

using Changes = std::vector<std::string>;

std::string next(const std::string& url, const PublishedSchema& schema) {
  return next_step(schema_difference(url, schema), schema);
}

}  // namespace

TEST_CASE("what a program changes of the tables is told, with what takes a generation") {
  const std::string url = fresh_database();
  const PublishedSchema released{.domain = "shapes",
                                 .tables = shapes::OnlyKey::descriptor()->file()};
  CHECK_THROWS_AS(schema_difference(url, released), Misconfigured);
  apply_schema(url, {&released, 1});
  CHECK(changes(url, released) == Changes{});
  CHECK(next(url, released).empty());

  const ChangedShapes columns([](FileDescriptorProto& file) {
    field(every_type(file), "later");
    field(every_type(file), "count").set_type(FieldDescriptorProto::TYPE_STRING);
    auto& fields = *every_type(file).mutable_field();
    for (int i = 0; i < fields.size(); ++i) {
      if (fields[i].name() == "flag") fields.DeleteSubrange(i, 1);
    }
  });
  CHECK(changes(url, schema_of(columns)) ==
        Changes{"column_retyped every_type.count: bigint -> text !",
                "column_added every_type.later:  -> text",
                "column_dropped every_type.flag: boolean -> "});
  CHECK_THAT(next(url, schema_of(columns)),
             Catch::StartsWith("give every_type.count another name"));

  const ChangedShapes keys([](FileDescriptorProto& file) {
    field(every_type(file), "text").mutable_options()->SetExtension(key, true);
    field(every_type(file), "text_key").mutable_options()->SetExtension(key, false);
  });
  CHECK(changes(url, schema_of(keys)) ==
        Changes{"key_changed every_type: text_key, number_key -> number_key, text !"});

  const ChangedShapes indexes([](FileDescriptorProto& file) {
    auto& table_options = *every_type(file).mutable_options()->MutableExtension(table);
    table_options.set_index(0, "count");
    table_options.add_index("small");
  });
  CHECK(changes(url, schema_of(indexes)) ==
        Changes{"index_changed every_type_order1: count desc, at -> count",
                "index_added every_type_order2:  -> small"});
  CHECK_THAT(next(url, schema_of(indexes)),
             Catch::Contains("`sluice schema apply --domains shapes`"));
  CHECK(changes(url, schema_of(ChangedShapes([](FileDescriptorProto& file) {
                  every_type(file).mutable_options()->MutableExtension(table)->clear_index();
                }))) == Changes{"index_dropped every_type_order1: count desc, at -> "});

  const ChangedShapes tables([](FileDescriptorProto& file) {
    for (auto& message : *file.mutable_message_type()) {
      if (message.name() == "OnlyKey") message.set_name("Other");
    }
  });
  CHECK(changes(url, schema_of(tables)) ==
        Changes{"table_added other:  -> other !", "table_dropped only_key: only_key -> "});
  CHECK(next(url, schema_of(tables)) == "`sluice rebuild shapes --wait`");
}

TEST_CASE("other rules and other functions for readers are told") {
  const std::string url = fresh_database();
  PublishedSchema schema{.domain = "shapes", .tables = shapes::OnlyKey::descriptor()->file()};
  apply_schema(url, {&schema, 1});
  schema.version = 2;
  schema.reads_sql = "CREATE OR REPLACE VIEW shapes.few AS SELECT id FROM shapes.only_key;";
  CHECK(changes(url, schema) == Changes{"version : 1 -> 2 !", "reads_changed reads.sql:  -> "});
  CHECK_THAT(next(url, schema), Catch::StartsWith("start this program: `sluice up`") &&
                                    Catch::Contains("`sluice rebuild shapes --wait`"));
  schema.version = 0;
  CHECK_THAT(next(url, schema), Catch::StartsWith("this program is older than what readers see"));
  schema.version = 1;
  apply_schema(url, {&schema, 1});
  CHECK(changes(url, schema) == Changes{});
}

TEST_CASE("a view from before shapes were noted is held against its tables") {
  const std::string url = fresh_database();
  const PublishedSchema schema{.domain = "shapes", .tables = shapes::OnlyKey::descriptor()->file()};
  apply_schema(url, {&schema, 1});
  PgConnection(url).run(
      "UPDATE sluice.projection SET applied = NULL; ALTER TABLE shapes_g1.every_type DROP COLUMN "
      "flag CASCADE");
  CHECK(changes(url, schema) == Changes{"column_added every_type.flag:  -> boolean"});
}

}  // namespace sluice::testing
