// Columns that come, go and change with a generation, and who else makes or needs the views.

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/swap/promotion.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/changed_shapes.h"
#include "tests/integration/fresh_database.h"
#include "tests/integration/two_generations.h"

namespace sluice::testing {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;

PublishedSchema schema_of(const ChangedShapes& changed, std::string_view reads_sql = "") {
  PublishedSchema schema = shapes_schema(2);
  schema.tables = changed.tables();
  schema.reads_sql = reads_sql;
  return schema;
}

DescriptorProto& message(google::protobuf::FileDescriptorProto& file, std::string_view name) {
  for (DescriptorProto& one : *file.mutable_message_type()) {
    if (one.name() == name) return one;
  }
  FAIL("no message " << name);
  return *file.mutable_message_type(0);
}

FieldDescriptorProto& field(DescriptorProto& of, std::string_view name) {
  for (FieldDescriptorProto& one : *of.mutable_field()) {
    if (one.name() == name) return one;
  }
  FAIL("no field " << name);
  return *of.mutable_field(0);
}

// every_type loses `text` and gets `later`; there is a table `extra`, and `share` is gone.
void reshape(google::protobuf::FileDescriptorProto& file) {
  DescriptorProto& every = message(file, "EveryType");
  FieldDescriptorProto later = field(every, "text");
  later.set_name("later");
  later.set_json_name("later");
  later.set_number(20);
  for (int i = 0; i < every.field_size(); ++i) {
    if (every.field(i).name() == "text") every.mutable_field()->DeleteSubrange(i, 1);
  }
  *every.add_field() = later;
  DescriptorProto extra = message(file, "OnlyKey");
  extra.set_name("Extra");
  *file.add_message_type() = extra;
  message(file, "Share").clear_options();
}

void retype(google::protobuf::FileDescriptorProto& file) {
  field(message(file, "EveryType"), "count").set_type(FieldDescriptorProto::TYPE_STRING);
}

std::string columns(const TwoGenerations& shapes, const std::string& view) {
  return shapes.value(
      "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM "
      "information_schema.columns WHERE table_schema = 'shapes' AND table_name = '" +
      view + "'");
}

std::string views(const TwoGenerations& shapes) {
  return shapes.value(
      "SELECT string_agg(viewname, ' ' ORDER BY viewname) FROM pg_views "
      "WHERE schemaname = 'shapes'");
}

void fill(const TwoGenerations& shapes) {
  shapes.ask(
      "INSERT INTO shapes_g1.every_type (text_key, number_key, text) VALUES ('k', 1, 'old');"
      "INSERT INTO shapes_g1.share VALUES ('s', 1, 0.5);"
      "INSERT INTO shapes_g2.every_type (text_key, number_key, later) VALUES ('k', 1, 'new');"
      "INSERT INTO shapes_g2.extra VALUES ('more')");
}

constexpr const char* kReads =
    "CREATE OR REPLACE VIEW shapes.keys AS SELECT text_key FROM shapes.every_type;"
    "CREATE OR REPLACE FUNCTION shapes.all_of_them() RETURNS SETOF shapes.every_type LANGUAGE sql "
    "STABLE AS 'SELECT * FROM shapes.every_type';";

// Whatever a reader could see change.
std::string readers_world(const TwoGenerations& shapes) {
  return shapes.value(
      "SELECT string_agg(c.oid || ' ' || c.xmin || pg_get_viewdef(c.oid), ',' ORDER BY c.oid) FROM "
      "pg_class c WHERE relkind = 'v' AND relnamespace = 'shapes'::regnamespace");
}

void apply(const TwoGenerations& shapes, const PublishedSchema& schema, Apply how) {
  apply_schema(shapes.url(), {&schema, 1}, how);
}

}  // namespace

TEST_CASE("a view has the columns of both generations, those that a table lacks null") {
  const ChangedShapes changed(&reshape);
  const TwoGenerations shapes(shapes_schema(1), schema_of(changed, kReads));
  fill(shapes);
  const std::string before = columns(shapes, "every_type");
  const auto row = [&] {
    return shapes.value(
        "SELECT concat_ws(' ', coalesce(text, 'null'), coalesce(later, 'null'), text_key) "
        "FROM shapes.every_type");
  };
  shapes.ask("ALTER VIEW shapes.every_type SET (security_invoker = true)");
  PgConnection reader(shapes.url());
  reader.run(
      "PREPARE named AS SELECT text_key FROM shapes.every_type;"
      "PREPARE starred AS SELECT * FROM shapes.every_type; EXECUTE named; EXECUTE starred");
  Promoted done = shapes.promote();
  INFO(reason(done));
  REQUIRE(refused(done).empty());
  CHECK(columns(shapes, "every_type") == before + " later");
  CHECK(row() == "null new k");
  CHECK(reader.run("EXECUTE named").text(0, 0) == "k");
  CHECK_THROWS_WITH(reader.run("EXECUTE starred"), Catch::Contains("[0A000]"));
  CHECK(views(shapes) == "every_type extra keys only_key share summary");
  CHECK(shapes.value("SELECT count(*) FROM shapes.share") == "0");
  CHECK(shapes.value("SELECT id FROM shapes.extra") == "more");
  CHECK(shapes.value("SELECT bool_and(collation_name = 'C') FROM information_schema.columns WHERE "
                     "table_schema = 'shapes' AND data_type = 'text'") == "t");
  CHECK(shapes.value("SELECT reloptions FROM pg_class WHERE oid = 'shapes.every_type'::regclass") ==
        "{security_invoker=true}");
  shapes.beat();
  done = shapes.roll_back();
  INFO(reason(done));
  REQUIRE(refused(done).empty());
  CHECK(row() == "old null k");
  CHECK(columns(shapes, "every_type") == before + " later");
  CHECK(shapes.value("SELECT count(*) FROM shapes.extra") == "0");
  CHECK(shapes.value("SELECT id FROM shapes.share") == "s");
  CHECK(shapes.value("SELECT reloptions FROM pg_class WHERE oid = 'shapes.every_type'::regclass") ==
        "{security_invoker=true}");
}

TEST_CASE("what no generation has any more is taken out of the views with the last that had it") {
  const ChangedShapes changed(&reshape);
  const TwoGenerations shapes(shapes_schema(1), schema_of(changed, kReads));
  fill(shapes);
  REQUIRE(refused(shapes.promote()).empty());
  shapes.ask(
      "COMMENT ON COLUMN shapes.every_type.count IS 'how many';"
      "REVOKE ALL ON FUNCTION shapes.all_of_them() FROM PUBLIC;"
      "GRANT SELECT ON shapes.every_type, shapes.keys TO sluice_writer;"
      "GRANT EXECUTE ON FUNCTION shapes.all_of_them() TO sluice_writer");
  const auto grants = [&] {
    return shapes.value(
        "SELECT string_agg(relname || acl, ',' ORDER BY relname, acl) FROM ("
        "SELECT relname, unnest(relacl)::text FROM pg_class WHERE relkind = 'v' AND relname <> "
        "'share' AND relnamespace = 'shapes'::regnamespace UNION ALL SELECT proname, "
        "unnest(proacl)::text FROM pg_proc WHERE pronamespace = 'shapes'::regnamespace) "
        "AS all_of_them(relname, acl)");
  };
  const std::string may = grants();
  const auto refusal = [&] {
    const auto answer = retire(shapes.url(), "shapes", 1);
    REQUIRE(answer);
    CHECK(shapes.statuses() == "standing live");
    CHECK(views(shapes) == "every_type extra keys only_key share summary");
    CHECK(shapes.value("SELECT count(*) FROM shapes_g1.every_type") == "1");
    return answer->word + ": " + answer->reason;
  };
  shapes.ask("CREATE VIEW public.mine AS SELECT text_key FROM shapes.every_type");
  CHECK_THAT(refusal(), Catch::StartsWith("needed: view public.mine"));
  shapes.ask("DROP VIEW public.mine; CREATE MATERIALIZED VIEW public.mine AS TABLE shapes.share");
  CHECK_THAT(refusal(), Catch::StartsWith("needed: materialized view public.mine"));
  shapes.ask("DROP MATERIALIZED VIEW public.mine; CREATE TABLE public.mine (a shapes.every_type)");
  CHECK_THAT(refusal(), Catch::Contains("public.mine"));
  shapes.ask(
      "DROP TABLE public.mine; CREATE FUNCTION public.mine() RETURNS SETOF shapes.every_type "
      "LANGUAGE sql AS 'TABLE shapes.every_type'");
  CHECK_THAT(refusal(), Catch::StartsWith("needed: function public.mine()"));
  shapes.ask("DROP FUNCTION public.mine()");

  CHECK_FALSE(retire(shapes.url(), "shapes", 1));
  CHECK(views(shapes) == "every_type extra keys only_key summary");
  CHECK(columns(shapes, "every_type").find(" text ") == std::string::npos);
  CHECK(shapes.value("SELECT later FROM shapes.all_of_them()") == "new");
  CHECK(shapes.value("SELECT text_key FROM shapes.keys") == "k");
  CHECK(shapes.value("SELECT col_description('shapes.every_type'::regclass, attnum) FROM "
                     "pg_attribute WHERE attrelid = 'shapes.every_type'::regclass "
                     "AND attname = 'count'") == "how many");
  CHECK(grants() == may);
  CHECK_THAT(readers_world(shapes), Catch::Contains("sees('shapes'"));
}

TEST_CASE("views of columns that stay are left alone when a generation is retired") {
  const TwoGenerations shapes;
  REQUIRE(refused(shapes.promote()).empty());
  const std::string before = readers_world(shapes);
  CHECK_FALSE(retire(shapes.url(), "shapes", 1));
  CHECK(readers_world(shapes) == before);
}

TEST_CASE("a column of another type is refused by name") {
  const ChangedShapes changed(&retype);
  const TwoGenerations shapes(shapes_schema(1), schema_of(changed));
  const auto may = promotable(shapes.url(), "shapes", {}, 0);
  CHECK(refused(may) == "columns");
  CHECK_THAT(reason(may), Catch::Contains("every_type.count is text") &&
                              Catch::Contains("another name in schemas/shapes/tables.proto") &&
                              Catch::Contains("`sluice retire shapes --generation 2`"));
  const std::string before = readers_world(shapes);
  CHECK(refused(shapes.promote()) == "columns");
  CHECK(readers_world(shapes) == before);
  CHECK(shapes.statuses() == "live ready");
}

TEST_CASE("what functions for readers need and the tables lack is refused by name") {
  const ChangedShapes changed(&reshape);
  // A semicolon in a comment, a string or a body ends nothing.
  const std::string before_swap =
      "-- first; one that fits\n"
      "CREATE OR REPLACE FUNCTION shapes.fits() RETURNS text LANGUAGE plpgsql AS $body$ BEGIN "
      "/* ; */ RETURN 'a;b'; END $body$;\n"
      "CREATE OR REPLACE FUNCTION shapes.texts() RETURNS SETOF text LANGUAGE sql STABLE AS "
      "'SELECT text FROM shapes.every_type';";
  PublishedSchema first = shapes_schema(1);
  first.reads_sql = before_swap;
  const TwoGenerations shapes(first, schema_of(changed, before_swap));
  const std::string before = readers_world(shapes);
  const auto may = promotable(shapes.url(), "shapes", {}, 0);
  CHECK(refused(may) == "columns");
  CHECK_THAT(reason(may),
             Catch::Contains("function shapes.texts: column \"text\" does not exist") &&
                 Catch::Contains("schemas/shapes/reads.sql") &&
                 Catch::Contains("`sluice rebuild shapes`"));
  CHECK(readers_world(shapes) == before);
  CHECK(shapes.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shapes%'") == "3");
  shapes.ask("UPDATE sluice.projection SET reads_sql = 'SELECT nonsense' WHERE generation = 2");
  CHECK(refused(shapes.promote()) == "columns");
  CHECK(shapes.statuses() == "live ready");
}

TEST_CASE("who applies a schema leaves readers what the swap gave them") {
  const ChangedShapes changed(&reshape);
  const PublishedSchema second = schema_of(changed, kReads);
  const TwoGenerations shapes(shapes_schema(1), second);
  fill(shapes);
  REQUIRE(refused(shapes.promote()).empty());
  const std::string before = readers_world(shapes);
  // A start of either program runs no DDL that readers would feel.
  PgConnection reader(shapes.url());
  reader.run("BEGIN; SELECT FROM shapes.every_type, shapes.only_key, shapes.keys");
  CHECK_NOTHROW(apply(shapes, second, Apply::what_changed));
  CHECK_NOTHROW(apply(shapes, shapes_schema(1), Apply::what_changed));
  CHECK_NOTHROW(apply(shapes, shapes_schema(1), Apply::everything));
  reader.run("COMMIT");
  CHECK(readers_world(shapes) == before);
  PgConnection old(shapes.url());
  old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT now()");
  // All of it again: the same views, with the guard, onto the same tables.
  const auto text = [&] {
    return shapes.value(
        "SELECT string_agg(pg_get_viewdef(c.oid), ',' ORDER BY relname) FROM pg_class c "
        "WHERE relkind = 'v' AND relnamespace = 'shapes'::regnamespace");
  };
  const std::string definitions = text();
  apply(shapes, second, Apply::everything);
  CHECK(text() == definitions);
  CHECK_THAT(definitions, Catch::Contains("sees('shapes'") &&
                              Catch::Contains("shapes_g2.every_type") &&
                              !Catch::Contains("shapes_g1"));
  CHECK_NOTHROW(old.run("SELECT FROM shapes.every_type"));
}

}  // namespace sluice::testing
