#include "storage/postgres/swap/postgres_swap.h"

#include <catch2/catch.hpp>
#include <future>

#include "shapes/tables.pb.h"
#include "storage/postgres/error.h"
#include "storage/postgres/swap/comparison.h"
#include "tests/contract/generation_swap_contract.h"
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
          "SELECT min(id) = 'first', (SELECT coalesce(max(as_of), 0) FROM shapes.summary) "
          "FROM shapes.only_key");
      return Shown{row.text(0, 0) == "t" ? 1 : 2, row.number(0, 1)};
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
  std::unique_ptr<SwapSession> swap(SwapKind kind) override {
    const bool forth = kind == SwapKind::promote;
    const auto pair = forth ? TwoGenerations::pair(1, 2) : TwoGenerations::pair(2, 1);
    return std::make_unique<PostgresSwap>(shapes_.url(), pair, kind);
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

}  // namespace sluice::testing
