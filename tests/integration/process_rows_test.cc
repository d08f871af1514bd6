// The rows of processes that project, in a real Postgres.

#include "storage/postgres/process_rows.h"

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"

using namespace sluice;
using sluice::testing::fresh_database;

namespace {

class Processes {
 public:
  Processes() : url_(fresh_database()), looks_(url_) { apply_schema(url_, {}); }

  [[nodiscard]] ProcessRow process(const std::string& instance) const {
    return {url_, {.instance = instance, .host = "h", .pid = 7, .version = "1.2"}};
  }
  std::string ask(const std::string& sql) {
    const PgResult rows = looks_.run(sql);
    return rows.rows() == 0 ? "" : std::string(rows.text(0, 0));
  }
  std::string all() {
    return ask(
        "SELECT coalesce(string_agg(instance, ' ' ORDER BY instance), '') "
        "FROM sluice.process");
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  const std::string url_;
  PgConnection looks_;
};

}  // namespace

TEST_CASE("a process's row is made once and renewed, and goes with the process") {
  Processes processes;
  ProcessRow row = processes.process("h:7:x");
  row.renew(R"({"memory":{"number":1}})");
  processes.ask(
      "UPDATE sluice.process SET since = since - interval '1 h', "
      "seen_at = seen_at - interval '30 s' RETURNING 1");
  row.renew(R"({"memory":{"number":2}})");
  CHECK(processes.ask("SELECT count(*) || ' ' || min(host) || ' ' || min(pid) || ' ' || "
                      "min(version) FROM sluice.process") == "1 h 7 1.2");
  CHECK(processes.ask("SELECT vitals#>>'{memory,number}' FROM sluice.process") == "2");
  CHECK(processes.ask("SELECT since < now() - interval '59 min' AND seen_at > now() - interval "
                      "'10 s' FROM sluice.process") == "t");
  row.remove();
  CHECK(processes.all().empty());
}

TEST_CASE("rows of processes that are long gone are removed by others, and no others") {
  Processes processes;
  ProcessRow gone = processes.process("gone");
  ProcessRow late = processes.process("late");
  ProcessRow here = processes.process("here");
  for (ProcessRow* each : {&gone, &late, &here}) each->renew("{}");
  processes.ask(
      "UPDATE sluice.process SET seen_at = now() - interval '61 s' "
      "WHERE instance = 'gone' RETURNING 1");
  processes.ask(
      "UPDATE sluice.process SET seen_at = now() - interval '30 s' "
      "WHERE instance = 'late' RETURNING 1");
  here.renew("{}");
  CHECK(processes.all() == "here late");
  // One that was only late is there again.
  gone.renew("{}");
  CHECK(processes.all() == "gone here late");
}

TEST_CASE("who holds the row of a process that is gone keeps nobody from renewing theirs") {
  Processes processes;
  ProcessRow gone = processes.process("gone");
  gone.renew("{}");
  PgConnection holds(processes.url());
  holds.run("BEGIN");
  holds.run("UPDATE sluice.process SET seen_at = now() - interval '61 s'");
  holds.run("COMMIT");
  holds.run("BEGIN");
  holds.run("SELECT FROM sluice.process FOR UPDATE");
  ProcessRow here = processes.process("here");
  here.renew("{}");
  CHECK(processes.all() == "gone here");
  holds.run("COMMIT");
  here.renew("{}");
  CHECK(processes.all() == "here");
}

TEST_CASE("vitals of the server are numbers, within their bounds") {
  Processes processes;
  ProcessRow row = processes.process("h");
  const PostgresVitals vitals = row.server();
  CHECK(vitals.version == processes.ask("SHOW server_version"));
  CHECK(std::to_string(vitals.connections_max) == processes.ask("SHOW max_connections"));
  CHECK((vitals.connections >= 1 && vitals.connections <= vitals.connections_max));
  CHECK_FALSE(vitals.replica);
  CHECK((!vitals.cached || (*vitals.cached >= 0 && *vitals.cached <= 1)));
  PgConnection old(processes.url());
  old.run("BEGIN");
  old.run("SELECT 1");
  CHECK(row.server().oldest_transaction_seconds > 0);
}

TEST_CASE("a row that may not be written is told as such") {
  Processes processes;
  processes.ask("DROP TABLE sluice.process CASCADE");
  ProcessRow row = processes.process("h");
  CHECK_THROWS_AS(row.renew("{}"), Misconfigured);
}
