// Two generations held against each other, on a real Postgres.

#include "storage/postgres/swap/comparison.h"

#include <catch2/catch.hpp>
#include <future>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "tests/integration/fresh_database.h"
#include "tests/integration/two_generations.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

ComparisonOptions expecting(const std::vector<std::string>& expected) {
  ComparisonOptions options;
  options.tables = shapes::OnlyKey::descriptor()->file();
  options.expected = expected;
  options.patience = std::chrono::milliseconds(0);
  return options;
}

std::variant<Comparison, GenerationRefusal> held(const TwoGenerations& shapes,
                                                 const ComparisonOptions& options = expecting({})) {
  return compare(shapes.url(), TwoGenerations::pair(), options);
}

Comparison compared(const TwoGenerations& shapes,
                    const ComparisonOptions& options = expecting({})) {
  auto made = held(shapes, options);
  INFO(reason(made));
  REQUIRE(refused(made).empty());
  return std::get<Comparison>(std::move(made));
}

TableComparison table(const Comparison& comparison, const std::string& name) {
  for (const TableComparison& one : comparison.tables) {
    if (one.table == name) return one;
  }
  FAIL("no table " << name);
  return {};
}

// same, added, missing, changed, undecided, unexpected; columns.
std::string counts(const Comparison& comparison, const std::string& name) {
  const TableComparison one = table(comparison, name);
  std::string text;
  for (const std::int64_t count :
       {one.same, one.added, one.missing, one.changed, one.undecided, one.unexpected}) {
    text += (text.empty() ? "" : " ") + std::to_string(count);
  }
  for (const auto& [column, rows] : one.columns) text += " " + column + ":" + std::to_string(rows);
  return text;
}

// The same rows in both, and differences of every kind.
void differ(const TwoGenerations& shapes) {
  shapes.ask(
      "INSERT INTO shapes_g1.every_type (text_key, number_key, text, count, at, raw) "
      "SELECT 'k', n, 'same', n, 'epoch', '\\x00ff' FROM generate_series(1, 100) n;"
      "INSERT INTO shapes_g2.every_type SELECT * FROM shapes_g1.every_type;"
      "DELETE FROM shapes_g1.every_type WHERE number_key IN (5, 6);"
      "DELETE FROM shapes_g2.every_type WHERE number_key = 7;"
      "UPDATE shapes_g2.every_type SET count = -1 WHERE number_key IN (10, 20, 30);"
      "UPDATE shapes_g2.every_type SET maybe = 'there', at = NULL, raw = '' WHERE number_key = 30;"
      "INSERT INTO shapes_g2.only_key VALUES ('new');"
      "INSERT INTO sluice.rejection SELECT 'shapes', g, 0, 1, 'e', 't', 'k', 'reason' || g, "
      "'epoch' FROM generate_series(1, 2) AS g;"
      "INSERT INTO sluice.quarantine SELECT 'shapes', 1, 0, 2, 'k', 'r', NULL, 'epoch', false");
}

}  // namespace

TEST_CASE("what is equal is found equal, as of which positions") {
  const TwoGenerations shapes;
  const Comparison empty = compared(shapes);
  CHECK((empty.generation == 2 && empty.against == 1 && empty.unexpected == 0));
  CHECK(empty.positions == Positions{{0, 10}, {1, 10}});
  std::string names;
  for (const TableComparison& one : empty.tables) names += one.table + " ";
  CHECK(names ==
        "every_type only_key share summary sluice.rejection sluice.quarantine sluice.decision ");
  shapes.ask(
      "INSERT INTO shapes_g1.every_type (text_key, number_key, ratio) SELECT 'k', n, 'NaN' "
      "FROM generate_series(1, 1000) n;"
      "INSERT INTO shapes_g2.every_type SELECT * FROM shapes_g1.every_type ORDER BY random()");
  CHECK(counts(compared(shapes), "every_type") == "1000 0 0 0 0 0");
}

TEST_CASE("each row that differs is counted, by what differs in it") {
  const TwoGenerations shapes;
  differ(shapes);
  const Comparison made = compared(shapes);
  CHECK(counts(made, "every_type") == "94 2 1 3 0 6 maybe:1 count:3 raw:1 at:1");
  CHECK(counts(made, "only_key") == "0 1 0 0 0 1");
  CHECK(counts(made, "sluice.rejection") == "0 0 0 1 0 1 reason:1");
  CHECK(counts(made, "sluice.quarantine") == "0 0 1 0 0 1");
  CHECK(made.unexpected == 9);
}

TEST_CASE("samples show what differs, in the order of the key") {
  const TwoGenerations shapes;
  differ(shapes);
  const auto samples = table(compared(shapes), "every_type").samples;
  REQUIRE(samples.size() == 6);
  const auto json = [&](const std::string& text, const std::string& path) {
    return PgConnection(shapes.url()).run("SELECT $1::json #>> $2", {text, path});
  };
  const auto at = [&](const std::string& text, const std::string& path) {
    const PgResult found = json(text, path);
    return found.null(0, 0) ? "null" : std::string(found.text(0, 0));
  };
  std::string keys;
  for (const auto& sample : samples) keys += at(sample.key, "{number_key}") + " ";
  CHECK(keys == "5 6 7 10 20 30 ");
  CHECK(samples[0].old_row == "null");
  CHECK(at(samples[0].new_row, "{text}") == "same");
  CHECK(at(samples[0].new_row, "{text_key}") == "k");
  CHECK(at(samples[0].new_row, "{maybe}") == "null");
  CHECK(samples[2].new_row == "null");
  CHECK(at(samples[2].old_row, "{count}") == "7");
  CHECK(samples[3].key == R"({ "text_key" : "k", "number_key" : 10 })");
  CHECK(samples[3].old_row == R"({ "count" : 10 })");
  CHECK(samples[3].new_row == R"({ "count" : -1 })");
  CHECK(at(samples[5].old_row, "{at}") == "1970-01-01T00:00:00.000Z");
  CHECK(at(samples[5].old_row, "{raw}") == "AP8=");
  CHECK(at(samples[5].new_row, "{maybe}") == "there");
  const auto refused_rows = table(compared(shapes), "sluice.rejection").samples;
  REQUIRE(refused_rows.size() == 1);
  CHECK(refused_rows[0].new_row == R"({ "reason" : "reason2" })");

  ComparisonOptions few = expecting({});
  few.samples = 2;
  CHECK(table(compared(shapes, few), "every_type").samples.size() == 2);
  few.samples = 0;
  CHECK(table(compared(shapes, few), "every_type").samples.empty());
}

TEST_CASE("what is expected is counted, and not unexpected") {
  const TwoGenerations shapes;
  differ(shapes);
  const auto unexpected = [&](const std::vector<std::string>& expected) {
    return table(compared(shapes, expecting(expected)), "every_type").unexpected;
  };
  CHECK(unexpected({"every_type"}) == 3);        // rows of one side
  CHECK(unexpected({"every_type.count"}) == 4);  // one row differs in more
  CHECK(unexpected({"every_type.*"}) == 3);      // whatever differs
  CHECK(unexpected({"every_type.*", "every_type"}) == 0);
  CHECK(unexpected({"every_type.count", "every_type.maybe", "every_type.at", "every_type.raw",
                    "every_type"}) == 0);
  const Comparison all =
      compared(shapes, expecting({"every_type.*", "every_type", "only_key",
                                  "sluice.rejection.reason", "sluice.quarantine"}));
  CHECK(all.unexpected == 0);
  CHECK(counts(all, "every_type") == "94 2 1 3 0 0 maybe:1 count:3 raw:1 at:1");
  for (const char* wrong : {"nothing", "every_type.nothing", "sluice.mark", ".", "", "only_key.",
                            "every_type.count.count"}) {
    INFO(wrong);
    CHECK_THROWS_AS(held(shapes, expecting({wrong})), Misconfigured);
  }
}

TEST_CASE("computed rows are compared without when, from what and how long") {
  const TwoGenerations shapes;
  shapes.ask(
      "INSERT INTO shapes_g1.summary VALUES ('a', 5, 100), ('b', 6, 1);"
      "INSERT INTO shapes_g2.summary VALUES ('a', 9, 200), ('b', 6, 2);"
      "INSERT INTO shapes_g1.share VALUES ('a', 1, 0.5), ('b', 1, 0.5), ('b', 2, 0.5);"
      "INSERT INTO shapes_g2.share VALUES ('a', 1, 0.7), ('b', 1, 0.5)");
  // Nothing is due: a difference is one.
  CHECK(counts(compared(shapes), "summary") == "2 0 0 0 0 0");
  CHECK(counts(compared(shapes), "share") == "1 0 1 1 0 2 value:1");

  SECTION("what is still to be computed is undecided") {
    shapes.ask("INSERT INTO sluice.due VALUES ('shapes', 2, 1, 'a'), ('other', 2, 1, 'b')");
    const Comparison made = compared(shapes);
    CHECK(counts(made, "share") == "1 0 1 0 1 1");
    CHECK(made.unexpected == 1);
  }
  SECTION("it is awaited") {
    shapes.ask("INSERT INTO sluice.due VALUES ('shapes', 1, 0, 'a')");
    ComparisonOptions patient = expecting({});
    patient.patience = std::chrono::seconds(30);
    auto comparing = std::async(std::launch::async, [&] { return compared(shapes, patient); });
    REQUIRE(eventually([&] {
      return shapes.value(
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                 "current_database() AND state = 'idle' AND query = 'ROLLBACK'") != "0";
    }));
    shapes.ask(
        "UPDATE shapes_g1.share SET value = 0.7 WHERE id = 'a';"
        "UPDATE shapes_g1.summary SET as_of = 9 WHERE id = 'a';"
        "DELETE FROM sluice.due");
    CHECK(counts(comparing.get(), "share") == "2 0 1 0 0 1");
  }
  SECTION("a table that the program does not know is computed where it says as of when") {
    ComparisonOptions blind = expecting({});
    blind.tables = nullptr;
    CHECK(counts(compared(shapes, blind), "summary") == "0 0 0 2 0 2 took:2");
  }
}

TEST_CASE("generations are compared at one position, while both are folded") {
  const TwoGenerations shapes;
  const Owner live(shapes.url(), 1);
  const Owner other(shapes.url(), 2);
  const auto moved = [&](std::int64_t beyond) {
    return eventually([&] {
      return shapes.ask("SELECT min(position) FROM sluice.position").number(0, 0) > beyond;
    });
  };
  for (int i = 0; i < 5; ++i) {
    REQUIRE(moved(12 + 5 * i));
    const Comparison made = compared(shapes);
    // Rows have the name of the generation in them.
    const TableComparison one = table(made, "only_key");
    const std::int64_t records = made.positions.at(0) + made.positions.at(1) - 20;
    CHECK((one.same == 0 && one.added == records && one.missing == records));
  }
  CHECK((live.failure() + other.failure()).empty());
}

TEST_CASE("readers do not wait while generations are compared, flushes only for moments") {
  const TwoGenerations shapes;
  // The other is behind, and nobody folds it further.
  shapes.ask("UPDATE sluice.position SET position = 11 WHERE generation = 1");
  shapes.beat();
  auto comparing = std::async(std::launch::async, [&] { return held(shapes); });
  REQUIRE(eventually([&] {
    return shapes.value(
               "SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock' AND relation = "
               "'sluice.position'::regclass") != "0";
  }));
  PgConnection reader(shapes.url());
  reader.run("SET lock_timeout = '1ms'; SELECT FROM sluice.position; SELECT FROM shapes.only_key");
  PgConnection flush(shapes.url());
  flush.run("SET lock_timeout = '2s'");
  flush.run("UPDATE sluice.position SET log_end = 1 WHERE generation = 1 AND partition = 0");
  CHECK_FALSE(comparing.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  const auto answer = comparing.get();
  CHECK(refused(answer) == "busy");
  CHECK_THAT(reason(answer), Catch::Contains("in partition 0 generation 2 is at 10"));
}

TEST_CASE("a generation that nobody folds is not awaited") {
  const TwoGenerations shapes;
  shapes.ask(
      "UPDATE sluice.position SET position = 11, updated_at = now() - interval '1 min' "
      "WHERE generation = 1;"
      "UPDATE sluice.heartbeat SET released = true, seen_at = now() - interval '1 min' "
      "WHERE generation = 2");
  CHECK(refused(held(shapes)) == "no_owner");
  // Where it stands at the same position it need not be folded.
  shapes.ask("UPDATE sluice.position SET position = 10 WHERE generation = 1");
  CHECK(compared(shapes).unexpected == 0);
}

TEST_CASE("a generation that was folded from another log is not compared") {
  const TwoGenerations shapes;
  shapes.ask("UPDATE sluice.position SET digest = 17 WHERE generation = 2 AND partition = 1");
  CHECK(refused(held(shapes)) == "log");
}

TEST_CASE("a table of one's own, and one with another key") {
  const TwoGenerations shapes;
  shapes.ask("INSERT INTO shapes_g1.only_key VALUES ('a')");
  SECTION("rows of a table that is gone are missing") {
    shapes.ask("DROP TABLE shapes_g2.only_key");
    const Comparison made = compared(shapes);
    CHECK(counts(made, "only_key") == "0 0 1 0 0 1");
    CHECK(made.columns_dropped == std::vector<std::string>{"only_key.id"});
    CHECK(table(made, "only_key").samples.at(0).old_row == R"({ "id" : "a" })");
  }
  SECTION("another key") {
    shapes.ask(
        "ALTER TABLE shapes_g2.every_type DROP CONSTRAINT every_type_pkey;"
        "ALTER TABLE shapes_g2.every_type ADD PRIMARY KEY (text_key)");
    const auto answer = held(shapes);
    CHECK(refused(answer) == "columns");
    CHECK_THAT(reason(answer), Catch::Contains("every_type"));
  }
}

// What is measured is said in the report; here only that it is not far off.
TEST_CASE("a million equal rows", "[.speed]") {
  const TwoGenerations shapes;
  shapes.ask(
      "INSERT INTO shapes_g1.every_type (text_key, number_key, text, count, ratio, at) "
      "SELECT 'key' || n / 100, n, 'text ' || n, n, n, now() FROM generate_series(1, 1000000) n;"
      "INSERT INTO shapes_g2.every_type SELECT * FROM shapes_g1.every_type");
  shapes.ask("VACUUM ANALYZE shapes_g1.every_type, shapes_g2.every_type");
  for (int i = 0; i < 3; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(counts(compared(shapes), "every_type") == "1000000 0 0 0 0 0");
    WARN(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begun)
             .count()
         << " ms");
  }
}

}  // namespace sluice::testing
