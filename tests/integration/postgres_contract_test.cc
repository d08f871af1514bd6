#include <catch2/catch.hpp>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_monitor.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "tests/contract/freshness_contract.h"
#include "tests/contract/projection_sink_contract.h"
#include "tests/contract/view_monitor_contract.h"
#include "tests/integration/commit_thief.h"
#include "tests/integration/fresh_database.h"
#include "tests/integration/postgres_seen.h"

namespace sluice::testing {
namespace {

class PostgresSinkUnderTest final : public SinkUnderTest {
 public:
  ProjectionSink& sink() override { return sink_; }
  ViewMonitor& monitor() override { return monitor_; }
  void lose_next_answer(bool went_through) override {
    thief_.steal(went_through ? CommitThief::Steals::answer : CommitThief::Steals::commit);
  }
  [[nodiscard]] const SeenView& seen() const override { return seen_; }
  [[nodiscard]] std::int64_t log_end(Partition partition) const override {
    return ask("SELECT log_end FROM sluice.heartbeat WHERE partition = " +
               std::to_string(partition.value))
        .number(0, 0);
  }
  [[nodiscard]] std::string trouble(Partition partition) const override {
    return std::string(ask("SELECT trouble FROM sluice.heartbeat WHERE partition = " +
                           std::to_string(partition.value))
                           .text(0, 0));
  }
  [[nodiscard]] std::string contender(Partition partition) const override {
    return std::string(ask("SELECT contender FROM sluice.heartbeat WHERE partition = " +
                           std::to_string(partition.value))
                           .text(0, 0));
  }
  [[nodiscard]] std::optional<std::chrono::milliseconds> freshness(
      Partition partition) const override {
    const PgResult told =
        ask("SELECT (1000 * freshness_seconds)::bigint FROM sluice.freshness WHERE partition = " +
            std::to_string(partition.value));
    if (told.null(0, 0)) return std::nullopt;
    return std::chrono::milliseconds{told.number(0, 0)};
  }
  [[nodiscard]] std::string progress(Partition partition) const override {
    const PgResult shown =
        ask("SELECT concat_ws(' ', due, computing, failing, "
            "CASE WHEN oldest_due BETWEEN '60 s' AND '10 min' THEN 'waits' END) "
            "FROM sluice.computation WHERE partition = " +
            std::to_string(partition.value));
    return shown.rows() == 0 ? "" : std::string(shown.text(0, 0));
  }
  [[nodiscard]] std::vector<std::string> computed() const override {
    const PgResult rows = ask(
        "SELECT text FROM (SELECT 0, id, 0, id || ' ' || as_of FROM shapes_g1.summary UNION ALL "
        "SELECT 1, id, place, id || ' ' || place || ' ' || coalesce(value::text, 'null') "
        "FROM shapes_g1.share) AS all_rows(which, id, place, text) "
        "ORDER BY which, id COLLATE \"C\", place");
    std::vector<std::string> all;
    for (int i = 0; i < rows.rows(); ++i) all.emplace_back(rows.text(i, 0));
    return all;
  }

 private:
  static std::string applied(const std::string& url) {
    const PublishedSchema schema{
        .domain = "shapes", .tables = shapes::OnlyKey::descriptor()->file(), .partitions = 3};
    apply_schema(url, {&schema, 1});
    return url;
  }
  PgResult ask(const std::string& sql) const { return PgConnection(url_).run(sql); }

  const std::string url_ = applied(fresh_database());
  CommitThief thief_{url_};
  PostgresSink sink_{
      {thief_.url(), "shapes", 1, published_rows(*shapes::OnlyKey::descriptor()->file())}};
  PostgresMonitor monitor_{url_};
  PostgresSeen seen_{url_, 1};
};

}  // namespace

TEST_CASE("the sink on Postgres keeps the contract") {
  projection_sink_contract([] { return std::make_unique<PostgresSinkUnderTest>(); });
}

TEST_CASE("who looks at views in Postgres keeps the contract") {
  view_monitor_contract([] { return std::make_unique<PostgresSinkUnderTest>(); });
}

TEST_CASE("freshness in Postgres keeps the contract") {
  freshness_contract([] { return std::make_unique<PostgresSinkUnderTest>(); });
}

}  // namespace sluice::testing
