#include <google/protobuf/descriptor.pb.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <memory>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"
#include "tests/integration/changed_shapes.h"
#include "tests/integration/fresh_database.h"

using namespace sluice;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using sluice::testing::add_later;
using sluice::testing::ChangedShapes;
using sluice::testing::fresh_database;

namespace {

void apply(const std::string& url, const FileDescriptor* tables, Apply how = Apply::everything) {
  const PublishedSchema schema{.domain = "shapes", .tables = tables};
  apply_schema(url, {&schema, 1}, how);
}

const FileDescriptor* released() { return shapes::OnlyKey::descriptor()->file(); }

// The released tables with one more field in the midst of the first.
ChangedShapes with_later(FieldDescriptorProto::Type type) {
  return ChangedShapes([type](FileDescriptorProto& file) {
    add_later(file, type);
    auto& fields = *file.mutable_message_type(0)->mutable_field();
    for (int i = fields.size() - 1; i > 2; --i) fields.SwapElements(i, i - 1);
  });
}

std::string answer(PgConnection& connection, const std::string& sql) {
  const PgResult result = connection.run(sql);
  REQUIRE(result.rows() == 1);
  return result.null(0, 0) ? "null" : std::string(result.text(0, 0));
}

}  // namespace

TEST_CASE("a later field is a column with its default in the tables that are there") {
  const std::string url = fresh_database();
  apply(url, released());
  PgConnection connection(url);
  connection.run(
      "INSERT INTO shapes_g1.every_type (text_key, number_key, text) VALUES ('a', 1, 'kept');"
      "INSERT INTO sluice.position (projection, generation, partition, position) "
      "VALUES ('shapes', 1, 0, 1)");
  const ChangedShapes later = with_later(FieldDescriptorProto::TYPE_STRING);
  apply(url, later.tables(), GENERATE(Apply::everything, Apply::what_changed));
  CHECK(answer(connection, "SELECT text || '<' || later || '>' FROM shapes.every_type") ==
        "kept<>");
  CHECK(answer(connection,
               "SELECT column_name FROM information_schema.columns WHERE table_schema = 'shapes' "
               "AND table_name = 'every_type' ORDER BY ordinal_position DESC LIMIT 1") == "later");
  // What knew the earlier form goes on writing.
  connection.run("INSERT INTO shapes_g1.every_type (text_key, number_key) VALUES ('b', 1)");
}

TEST_CASE("a column of another type is refused, and nothing is changed") {
  const std::string url = fresh_database();
  apply(url, with_later(FieldDescriptorProto::TYPE_STRING).tables());
  const ChangedShapes retyped = with_later(FieldDescriptorProto::TYPE_INT64);
  CHECK_THROWS_AS(apply(url, retyped.tables()), Misconfigured);
  PgConnection connection(url);
  CHECK(answer(connection,
               "SELECT pg_typeof(later) FROM (SELECT max(later) AS later FROM "
               "shapes.every_type) t") == "text");
}

TEST_CASE("what is there is not made again, unless asked for") {
  const std::string url = fresh_database();
  apply(url, released());
  PgConnection connection(url);
  const auto made = [&] {
    return answer(connection,
                  "SELECT obj_description('shapes.every_type'::regclass, 'pg_class') IS NOT NULL");
  };
  REQUIRE(made() == "t");
  connection.run("COMMENT ON VIEW shapes.every_type IS NULL");
  apply(url, released(), Apply::what_changed);
  CHECK(made() == "f");
  apply(url, released());
  CHECK(made() == "t");
}

TEST_CASE("no statement and no lock is waited for without end") {
  PgConnection connection(fresh_database(), std::chrono::milliseconds(1234));
  CHECK(answer(connection, "SHOW statement_timeout") == "1234ms");
  CHECK(answer(connection, "SHOW lock_timeout") == "10s");
  CHECK(answer(connection, "SHOW idle_in_transaction_session_timeout") == "1min");
}

TEST_CASE("a server that stands still is not waited for without end") {
  const std::string url = fresh_database();
  PgConnection connection(url, std::chrono::milliseconds(100));
  connection.run("CREATE TABLE line (text text)");
  const pid_t backend = std::stoi(answer(connection, "SELECT pg_backend_pid()"));
  const auto goes_on = std::shared_ptr<void>(nullptr, [&](void*) { kill(backend, SIGCONT); });
  SECTION("with a statement") {
    kill(backend, SIGSTOP);
    CHECK_THROWS_AS(connection.run("SELECT 1"), Retryable);
    CHECK(answer(connection, "SELECT 2") == "2");
  }
  SECTION("with rows to take") {
    connection.begin_copy("COPY line FROM STDIN");
    kill(backend, SIGSTOP);
    const std::string line = std::string(1 << 20, 'x') + '\n';
    CHECK_THROWS_AS(
        [&] {
          for (int i = 0; i < 64; ++i) connection.put_copy(line);
        }(),
        Retryable);
  }
  SECTION("with a commit, of which nothing is known") {
    connection.run("BEGIN");
    kill(backend, SIGSTOP);
    CHECK(connection.commit() == PgConnection::Commit::in_doubt);
  }
}

TEST_CASE("errors are one line that says what to do") {
  PgConnection connection(fresh_database());
  CHECK_THROWS_WITH(connection.run("SELECT *\nFROM sluice.position"),
                    Catch::Contains("run `sluice schema apply`") && !Catch::Contains("\n"));
  PgConnection nobody("postgresql://127.0.0.1:1/x");
  CHECK_THROWS_WITH(nobody.connect(), Catch::Contains("does it run") && !Catch::Contains("\n"));
}
