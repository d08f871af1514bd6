// Which lock a sink's session waits for, who has it and since when, told from a session beside it.

#include "storage/postgres/postgres_monitor.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"
#include "tests/support/eventually.h"

using namespace sluice;
using sluice::testing::as_user;
using sluice::testing::eventually;
using sluice::testing::fresh_database;
using sluice::testing::superuser_of;

namespace {

const std::string kSession = "sluice shapes/0 test";
constexpr Partition kPartition{0};

// A view whose owner flushes on a thread of its own, and an operator's session.
class View {
 public:
  View() : url_(fresh_database()), operator_(with_name(url_)), monitor_(url_) {
    const PublishedSchema schema{
        .domain = "shapes", .tables = shapes::OnlyKey::descriptor()->file(), .partitions = 1};
    apply_schema(url_, {&schema, 1});
    sink_.emplace(
        PostgresSinkConfig{.url = url_,
                           .projection = "shapes",
                           .generation = 1,
                           .published = published_rows(*shapes::OnlyKey::descriptor()->file()),
                           .session = kSession});
    sink_->claim(kPartition, "me");
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  PgConnection& person() { return operator_; }
  PostgresMonitor& monitor() { return monitor_; }

  // A row of this id is written, until something is in the way.
  [[nodiscard]] std::jthread flush(const std::string& id) {
    return std::jthread([this, id] {
      shapes::OnlyKey row;
      row.set_id(id);
      const RowChanges rows{shapes::OnlyKey::descriptor(), {&row}, {}};
      FlushBatch batch{};
      batch.partition = kPartition;
      batch.owner = "me";
      batch.from = Offset{flushed_};
      batch.digest_at_from = Digest{static_cast<std::uint64_t>(flushed_)};
      batch.to = Offset{flushed_ + 1};
      batch.digest_at_to = Digest{static_cast<std::uint64_t>(flushed_ + 1)};
      batch.rows = {&rows, 1};
      sink_->flush(batch);
      ++flushed_;
    });
  }
  // What the flush is heard to wait for.
  std::string lock() {
    std::string text;
    REQUIRE(eventually([&] {
      const auto found = monitor_.locks({{std::string("another"), kSession}});
      if (!found.empty()) text = found.at(kSession);
      return !text.empty();
    }));
    return text;
  }

  static std::string with_name(const std::string& url) {
    return url + (url.find('?') == std::string::npos ? "?" : "&") + "application_name=psql";
  }

 private:
  const std::string url_;
  PgConnection operator_;
  PostgresMonitor monitor_;
  std::optional<PostgresSink> sink_;
  std::int64_t flushed_ = 0;
};

std::string pid_of(PgConnection& connection) {
  return std::string(connection.run("SELECT pg_backend_pid()").text(0, 0));
}

}  // namespace

TEST_CASE("a flush that waits for a table says for which, for whom, in what mode and since when") {
  View view;
  const std::string pid = pid_of(view.person());
  view.person().run("BEGIN");
  view.person().run("LOCK TABLE shapes_g1.only_key IN ACCESS EXCLUSIVE MODE");
  const std::jthread flush = view.flush("a");
  const std::string text = view.lock();
  CHECK_THAT(text, Catch::Contains(" on shapes_g1.only_key since 2"));
  CHECK_THAT(text, Catch::Contains("process " + pid + " of Postgres (psql, user "));
  CHECK_THAT(text,
             Catch::Contains("is in the way with AccessExclusiveLock, in a transaction since 2"));
  CHECK_THAT(text, Catch::Contains("pg_terminate_backend(" + pid + ")"));
  // The beat is beside what the flush holds.
  const LogProgress word{kPartition, Offset{9}, "me", text};
  view.monitor().speak_for("shapes", 1, {&word, 1});
  PgConnection reader(view.url());
  const PgResult told = reader.run("SELECT lag, trouble FROM sluice.freshness");
  CHECK(told.number(0, 0) == 9);
  CHECK(told.text(0, 1) == text);
  view.person().run("COMMIT");
  CHECK(eventually([&] { return view.monitor().locks({{kSession}}).empty(); }));
}

TEST_CASE("a flush that waits for a row names its table") {
  View view;
  view.flush("a").join();
  view.person().run("BEGIN");
  view.person().run("SELECT * FROM sluice.position FOR UPDATE");
  const std::jthread flush = view.flush("b");
  CHECK_THAT(view.lock(), Catch::StartsWith("a row of sluice.position since 2") &&
                              Catch::Contains("process " + pid_of(view.person())));
  view.person().run("COMMIT");
}

TEST_CASE("who stands in the queue of a lock is told with whom it waits for") {
  View view;
  PgConnection first(view.url());
  first.run("BEGIN");
  first.run("SELECT * FROM shapes_g1.only_key");
  std::jthread changes([&] {
    view.person().run("SET lock_timeout = 0");
    view.person().run("ALTER TABLE shapes_g1.only_key ADD COLUMN more int");
  });
  PgConnection looks(view.url());
  REQUIRE(eventually([&] {
    return looks.run("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'").rows() > 0;
  }));
  const std::jthread flush = view.flush("a");
  CHECK_THAT(view.lock(), Catch::Contains(", which waits for process " + pid_of(first)));
  first.run("COMMIT");
}

TEST_CASE("of another user's session is told what may be seen") {
  View view;
  PgConnection superuser(View::with_name(superuser_of(view.url())));
  superuser.run("CREATE ROLE looks_only LOGIN PASSWORD 'looks'");
  PostgresMonitor monitor(as_user(view.url(), "looks_only", "looks"));
  superuser.run("BEGIN");
  superuser.run("LOCK TABLE shapes_g1.only_key IN ACCESS EXCLUSIVE MODE");
  const std::jthread flush = view.flush("a");
  CHECK_THAT(view.lock(), Catch::Contains("in a transaction since 2"));
  const std::string text = monitor.locks({{kSession}})[kSession];
  CHECK_THAT(text, Catch::Contains(" on shapes_g1.only_key since 2"));
  CHECK_THAT(text,
             Catch::Contains("(psql, user postgres) is in the way with AccessExclusiveLock."));
  superuser.run("COMMIT");
}

TEST_CASE("a lock on what it reads itself ends a question within seconds") {
  View view;
  view.person().run("BEGIN");
  view.person().run("LOCK TABLE sluice.position IN ACCESS EXCLUSIVE MODE");
  const auto begun = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(view.monitor().unowned({{std::string("shapes")}}), Retryable);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
  CHECK(view.monitor().locks({}).empty());
  view.person().run("COMMIT");
  CHECK(view.monitor().unowned({{std::string("shapes")}}).empty());
}

TEST_CASE("a flush that meets a row of its own which somebody changed names its table") {
  View view;
  view.flush("a").join();
  view.person().run("BEGIN");
  view.person().run("DELETE FROM shapes_g1.only_key");
  const std::jthread flush = view.flush("a");
  CHECK_THAT(view.lock(), Catch::StartsWith("a row of shapes_g1.only_key since 2"));
  view.person().run("ROLLBACK");
}
