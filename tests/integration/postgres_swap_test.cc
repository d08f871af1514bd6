#include "storage/postgres/swap/postgres_swap.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <future>

#include "shapes/tables.pb.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/swap/comparison.h"
#include "tests/contract/generation_swap_contract.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/two_generations.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

class PostgresReaderUnderTest final : public ReaderUnderTest {
 public:
  explicit PostgresReaderUnderTest(const std::string& url) : session_(url) {
    session_.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM sluice.position");
  }
  // Here, so that the server has let go of the views when it returns.
  ~PostgresReaderUnderTest() override { session_.roll_back(); }
  std::optional<Shown> read() override {
    try {
      const PgResult row = session_.run(
          "SELECT CASE min(id) WHEN 'first' THEN 1 WHEN 'second' THEN 2 ELSE 3 END, "
          "(SELECT coalesce(max(as_of), 0) FROM shapes.summary) FROM shapes.only_key");
      return Shown{static_cast<int>(row.number(0, 0)), row.number(0, 1)};
    } catch (const Retryable& failure) {
      if (!has_state(failure, "40001")) throw;
      return std::nullopt;
    }
  }

 private:
  PgConnection session_;
};

class PostgresSwapUnderTest final : public SwapUnderTest {
 public:
  PostgresSwapUnderTest() { tell_apart(shapes_); }

  ProjectionSink& live() override { return live_; }
  ProjectionSink& other() override { return other_; }
  using SwapUnderTest::swap;
  std::unique_ptr<SwapSession> swap(SwapKind kind, SwappedPair pair) override {
    return std::make_unique<PostgresSwap>(shapes_.url(),
                                          TwoGenerations::pair(pair.live, pair.other), kind);
  }
  void build_third(bool ready) override {
    (void)make_generation(shapes_.url(), shapes_schema(3), {});
    shapes_.ask("INSERT INTO shapes_g3.only_key VALUES ('third')");
    if (ready) be_third();
  }
  std::string statuses() override { return shapes_.statuses(); }
  void let_promote_itself() override {
    shapes_.ask("UPDATE sluice.projection SET promotes_itself = true WHERE generation = 2");
  }
  std::int64_t as_of(int generation) override {
    return std::stoll(
        shapes_.value("SELECT max(as_of) FROM shapes_g" + std::to_string(generation) + ".summary"));
  }
  void share(int generation, double value) override {
    const std::string table = "shapes_g" + std::to_string(generation) + ".share";
    shapes_.ask("DELETE FROM " + table + "; INSERT INTO " + table +
                " (id, place, value) VALUES ('a', 0, " + std::to_string(value) + ")");
  }
  std::string compared(const std::string& table) override {
    ComparisonOptions options;
    options.tables = shapes::OnlyKey::descriptor()->file();
    options.patience = std::chrono::milliseconds(0);
    const auto made = compare(shapes_.url(), TwoGenerations::pair(), options);
    REQUIRE(std::holds_alternative<Comparison>(made));
    const auto& tables = std::get<Comparison>(made).tables;
    const auto found = std::ranges::find(tables, table, &TableComparison::table);
    REQUIRE(found != tables.end());
    std::string text = std::to_string(found->same);
    for (const auto rows : {found->added, found->missing, found->changed, found->undecided}) {
      text += " " + std::to_string(rows);
    }
    return text;
  }
  std::unique_ptr<ComparisonSession> comparison() override {
    shapes_.beat();
    return comparison_session(shapes_.url(), TwoGenerations::pair());
  }
  std::unique_ptr<ReaderUnderTest> reader() override {
    return std::make_unique<PostgresReaderUnderTest>(shapes_.url());
  }
  void summarize(int generation, std::int64_t as_of, bool due) override {
    const std::string number = std::to_string(generation);
    const std::string of = "projection = 'shapes' AND generation = " + number;
    shapes_.ask("DELETE FROM shapes_g" + number + ".summary; INSERT INTO shapes_g" + number +
                ".summary (id, as_of) VALUES ('a', " + std::to_string(as_of) +
                "); DELETE FROM sluice.due WHERE " + of +
                (due ? "; INSERT INTO sluice.due VALUES ('shapes', " + number + ", 0, 'a')" : ""));
  }
  bool hurries() override {
    return shapes_.value(
               "SELECT coalesce(hurries_until > now(), false) FROM sluice.projection "
               "WHERE generation = 2") == "t";
  }
  bool waits(std::function<void()> work) override {
    waiting_ = std::async(std::launch::async, std::move(work));
    return eventually([&] {
      return shapes_.value(
                 "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                 "AND datname = current_database()") != "0";
    });
  }
  void settle() override { waiting_.get(); }

 private:
  // As if it had been built.
  void be_third() const {
    shapes_.ask(
        "INSERT INTO sluice.position (projection, generation, partition, position, digest) "
        "SELECT projection, 3, partition, position, digest FROM sluice.position "
        "WHERE generation = 2; SELECT sluice.note_phase('shapes', 3);"
        "SELECT sluice.make_keys('shapes', 3); SELECT sluice.note_ready('shapes', 3, 0)");
  }

  const TwoGenerations shapes_;
  PostgresSink live_{
      PostgresSinkConfig{shapes_.url(), "shapes", 1, {shapes::OnlyKey::descriptor()}}};
  PostgresSink other_{
      PostgresSinkConfig{shapes_.url(), "shapes", 2, {shapes::OnlyKey::descriptor()}}};
  std::future<void> waiting_;
};

}  // namespace

TEST_CASE("comparing and swapping on Postgres keep the contract") {
  generation_swap_contract([] { return std::make_unique<PostgresSwapUnderTest>(); });
}

TEST_CASE("generations after swaps on Postgres keep the contract") {
  swapped_roles_contract([] { return std::make_unique<PostgresSwapUnderTest>(); });
}

TEST_CASE("what an audit knows of a generation goes with it, both ways") {
  const TwoGenerations shapes;
  const auto audit = [&](const std::string& generation) {
    shapes.ask(
        "INSERT INTO sluice.audit_difference (projection, generation, partition, partition_key, "
        "table_name, key, what, expected, found, found_in) VALUES ('shapes', " +
        generation +
        ", 0, 'k', 'only_key', '{}', 'extra', 'null', '{}', 'view'); "
        "INSERT INTO sluice.audit (projection, generation, partition, round, started_at) "
        "VALUES ('shapes', " +
        generation + ", 0, 1, now())");
  };
  const auto audited = [&] {
    return shapes.value("SELECT count(*) FROM sluice.audit") + " " +
           shapes.value("SELECT count(*) FROM sluice.audit_difference");
  };
  audit("1");
  REQUIRE(refused(shapes.promote()).empty());
  CHECK(audited() == "0 0");
  audit("2");
  CHECK(audited() == "1 1");
  shapes.beat();
  REQUIRE(refused(shapes.roll_back()).empty());
  CHECK(audited() == "0 0");
}

}  // namespace sluice::testing
