// The engine's table of what each key has emitted: which generations have it, who sees it, and what
// a comparison says by it.

#include <catch2/catch.hpp>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "sluice/state.pb.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/schema_diff.h"
#include "storage/postgres/swap/comparison.h"
#include "tests/contract/building.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/fresh_database.h"
#include "tests/integration/two_generations.h"

namespace sluice::testing {
namespace {

PublishedSchema emitting(int version) {
  PublishedSchema schema = shapes_schema(version);
  schema.emits = true;
  return schema;
}

// "x.events 1/2" where one key emitted the same and two otherwise; "unknown".
std::string emitted(const TwoGenerations& shapes, bool emits = true) {
  const auto made =
      compare(shapes.url(), TwoGenerations::pair(),
              {.tables = shapes::OnlyKey::descriptor()->file(), .emits = emits, .expected = {}});
  INFO(reason(made));
  REQUIRE(refused(made).empty());
  const Comparison& comparison = std::get<Comparison>(made);
  CHECK(comparison.unexpected == 0);
  for (const TableComparison& one : comparison.tables) CHECK(one.table != "sluice_emission");
  if (!comparison.emitted) return "unknown";
  std::string text;
  for (const EmissionComparison& each : *comparison.emitted) {
    text += (text.empty() ? "" : ", ") + each.stream + " " + std::to_string(each.same) + "/" +
            std::to_string(each.otherwise);
  }
  return text;
}

std::string value(const std::string& url, const std::string& sql) {
  const PgResult rows = PgConnection(url).run(sql);
  return rows.null(0, 0) ? "null" : std::string(rows.text(0, 0));
}

}  // namespace

TEST_CASE("a comparison says of how many keys the other would have emitted otherwise") {
  const TwoGenerations shapes(emitting(1), emitting(2));
  CHECK(emitted(shapes).empty());
  shapes.ask(
      "INSERT INTO shapes_g1.sluice_emission VALUES ('a', 'x.events', 1, 5), "
      "('b', 'x.events', 2, 6), ('c', 'x.events', 2, 7), ('c', 'y.events', 1, 7);"
      "INSERT INTO shapes_g2.sluice_emission VALUES ('a', 'x.events', 1, 5), "
      "('b', 'x.events', 2, 9), ('c', 'x.events', 3, 7), ('d', 'y.events', 1, 7)");
  CHECK(emitted(shapes) == "x.events 1/2, y.events 0/2");
}

TEST_CASE("a comparison says where nothing is known of what was emitted") {
  CHECK(emitted(TwoGenerations(shapes_schema(1), emitting(2))) == "unknown");
  CHECK(emitted(TwoGenerations(emitting(1), shapes_schema(2))) == "unknown");
  const TwoGenerations neither;
  CHECK(emitted(neither, true) == "unknown");
  CHECK(emitted(neither, false).empty());
}

TEST_CASE("readers are not shown what was emitted, before a swap and after") {
  const TwoGenerations shapes(emitting(1), emitting(2));
  shapes.beat();
  CHECK(shapes.value("SELECT to_regclass('shapes.sluice_emission')") == "null");
  CHECK(refused(shapes.promote()).empty());
  CHECK(shapes.value("SELECT to_regclass('shapes.sluice_emission')") == "null");
  CHECK_FALSE(retire(shapes.url(), "shapes", 1));
  CHECK(shapes.value("SELECT to_regclass('shapes_g1.sluice_emission')") == "null");
}

TEST_CASE("a view that was made without it goes on without it, and the next generation has it") {
  const std::string url = fresh_database();
  const PublishedSchema before = shapes_schema(1);
  apply_schema(url, {&before, 1});
  PostgresSink sink({url, "shapes", 1, {shapes::OnlyKey::descriptor()}});
  sink.claim(Partition{0}, "me");
  flush_ids(sink, Partition{0}, "me", true, 0, 10, {"a"});
  const std::string world =
      "SELECT md5(string_agg(w, ',' ORDER BY w)) FROM (SELECT name || digest || applied_at FROM "
      "sluice.applied UNION ALL SELECT applied::text FROM sluice.projection WHERE generation = 1 "
      "UNION ALL SELECT c.oid || c.relname || c.xmin FROM pg_class c "
      "WHERE relnamespace::regnamespace::text IN ('shapes', 'shapes_g1')) AS all_of_it(w)";
  const std::string was = value(url, world);
  const PublishedSchema now = emitting(1);
  apply_schema(url, {&now, 1}, Apply::what_changed);
  CHECK(value(url, world) == was);
  CHECK(schema_difference(url, now).changes.empty());
  apply_schema(url, {&now, 1}, Apply::everything);
  CHECK(value(url, "SELECT to_regclass('shapes_g1.sluice_emission')") == "null");
  CHECK_FALSE(sink.generation().tells_emissions);
  flush_ids(sink, Partition{0}, "me", true, 10, 12, {"b"});

  CHECK(make_generation(url, now, {}).number == 2);
  apply_schema(url, {&now, 1}, Apply::everything);
  CHECK(value(url, "SELECT to_regclass('shapes_g2.sluice_emission')") != "null");
  CHECK(value(url, "SELECT to_regclass('shapes_g1.sluice_emission')") == "null");
  CHECK(PostgresSink({url, "shapes", 2, {}}).generation().tells_emissions);
}

TEST_CASE("the first generation of a domain that emits has it, and it is flushed like any table") {
  const std::string url = fresh_database();
  const PublishedSchema schema = emitting(1);
  apply_schema(url, {&schema, 1});
  PostgresSink sink({url, "shapes", 1, {shapes::OnlyKey::descriptor()}});
  CHECK(sink.generation().tells_emissions);
  sink.claim(Partition{0}, "me");
  SluiceEmission row;
  row.set_key("a");
  row.set_stream("x.events");
  row.set_records(2);
  row.set_digest(-7);
  const RowChanges changes{&emission_row(), {&row}, {}};
  FlushBatch batch{};
  batch.partition = Partition{0};
  batch.owner = "me";
  batch.to = Offset{5};
  batch.digest_at_to = digest_before(5);
  batch.rows = {&changes, 1};
  CHECK(sink.flush(batch) == FlushOutcome::committed);
  CHECK(value(url,
              "SELECT concat_ws(' ', key, stream, records, digest) "
              "FROM shapes_g1.sluice_emission") == "a x.events 2 -7");
}

}  // namespace sluice::testing
