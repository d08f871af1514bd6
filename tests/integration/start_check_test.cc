// A database that cannot be worked on is refused at the start, by name and with a way on.

#include "storage/postgres/start_check.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/engine_indexes.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/url.h"
#include "tests/integration/fresh_database.h"

using namespace sluice;
using sluice::testing::as_user;
using sluice::testing::fresh_database;
using sluice::testing::superuser_of;

namespace {

DatabaseUse use_of(bool makes_tables = true, int sessions = 2) {
  return {.sessions = sessions,
          .makes_tables = makes_tables,
          .schemas = {{.domain = "shapes", .tables = shapes::OnlyKey::descriptor()->file()}}};
}

void apply(const std::string& url) {
  const auto use = use_of();
  apply_schema(url, use.schemas);
}

// Refused within five seconds, in one line.
template <class Matcher>
void refused(const std::string& url, const DatabaseUse& use, const Matcher& says) {
  const auto begun = std::chrono::steady_clock::now();
  try {
    check_database(url, use);
    FAIL("it was accepted");
  } catch (const Misconfigured& refusal) {
    CHECK_THAT(refusal.what(), says);
    CHECK_THAT(refusal.what(), !Catch::Contains("\n"));
  }
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

std::string database_of(const std::string& url) { return url.substr(url.rfind('/') + 1); }

// A role that may log in and nothing more; of an earlier one of the name nothing is left.
std::string login(const std::string& url, const std::string& name) {
  PgConnection superuser(superuser_of(url));
  if (superuser.run("SELECT FROM pg_roles WHERE rolname = $1", {name}).rows() > 0) {
    superuser.run("ALTER ROLE " + name + " RENAME TO " + name + "_of_" + database_of(url));
  }
  superuser.run("CREATE ROLE " + name + " LOGIN PASSWORD 'secret'");
  return as_user(url, name, "secret");
}

}  // namespace

TEST_CASE("a database as it should be is taken, by whoever makes tables and whoever writes them") {
  const std::string url = fresh_database();
  CHECK_NOTHROW(check_database(url, use_of()));
  apply(url);
  CHECK_NOTHROW(check_database(url, use_of()));
  CHECK_NOTHROW(check_database(url, use_of(false)));
}

TEST_CASE("another encoding than UTF-8 is refused") {
  const std::string url = fresh_database();
  PgConnection(url).run(
      "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 "
      "LC_COLLATE 'C' LC_CTYPE 'C'");
  refused(url.substr(0, url.rfind('/')) + "/latin", use_of(),
          Catch::Contains("latin has the encoding LATIN1") &&
              Catch::Contains("ENCODING 'UTF8' TEMPLATE template0"));
}

TEST_CASE("a database or a user whose sessions are read-only is refused") {
  const std::string url = fresh_database();
  PgConnection owner(url);
  owner.run("ALTER DATABASE " + database_of(url) + " SET default_transaction_read_only = on");
  refused(url, use_of(),
          Catch::Contains("read-only") && Catch::Contains("default_transaction_read_only"));
}

TEST_CASE("too few connections are refused by number") {
  const std::string url = fresh_database();
  refused(url, use_of(true, 1000),
          Catch::Contains("this process needs 1000") && Catch::Contains("max_connections"));
  SECTION("of the user") {
    const std::string user = login(url, "narrow");
    PgConnection(superuser_of(url))
        .run("ALTER ROLE narrow CONNECTION LIMIT 3; GRANT CREATE ON DATABASE " + database_of(url) +
             " TO narrow");
    refused(user, use_of(true, 4), Catch::Contains("has 3 connections left"));
    CHECK_NOTHROW(check_database(user, use_of(true, 3)));
    PgConnection one(user);
    PgConnection two(user);
    PgConnection three(user);
    for (PgConnection* each : {&one, &two, &three}) each->connect();
    refused(user, use_of(true, 1), Catch::Contains("too many connections for role"));
  }
  SECTION("of the database") {
    PgConnection(superuser_of(url))
        .run("ALTER DATABASE " + database_of(url) + " CONNECTION LIMIT 3");
    refused(url, use_of(true, 4), Catch::Contains("has 3 connections left"));
  }
}

TEST_CASE("a session of a process that ends makes room in time") {
  const std::string url = fresh_database();
  PgConnection(superuser_of(url)).run("ALTER DATABASE " + database_of(url) + " CONNECTION LIMIT 2");
  auto former = std::make_unique<PgConnection>(url);
  former->run("SET idle_session_timeout = '500ms'");
  CHECK_NOTHROW(check_database(url, use_of(true, 2)));
}

TEST_CASE("rights that are missing are named") {
  const std::string url = fresh_database();
  const std::string user = login(url, "stranger");
  SECTION("to make schemas") {
    refused(user, use_of(),
            Catch::Contains("stranger may not make schemas in database " + database_of(url)) &&
                Catch::Contains("GRANT CREATE ON DATABASE"));
  }
  SECTION("to tables that another made") {
    apply(url);
    refused(user, use_of(), Catch::Contains("schema shapes belongs to sluice, not to stranger"));
    refused(user, use_of(false),
            Catch::Contains("stranger may not write sluice.position: GRANT sluice_writer"));
    PgConnection(superuser_of(url)).run("GRANT sluice_writer TO stranger");
    CHECK_NOTHROW(check_database(user, use_of(false)));
  }
  SECTION("to temporary tables") {
    PgConnection(url).run("REVOKE TEMPORARY ON DATABASE " + database_of(url) + " FROM PUBLIC;" +
                          "GRANT CREATE ON DATABASE " + database_of(url) + " TO stranger");
    refused(user, use_of(),
            Catch::Contains("may not make temporary tables") &&
                Catch::Contains("GRANT TEMPORARY ON DATABASE"));
    apply(url);
    PgConnection(superuser_of(url)).run("GRANT sluice_writer TO stranger");
    refused(user, use_of(false), Catch::Contains("GRANT TEMPORARY ON DATABASE"));
  }
}

TEST_CASE("nobody there is waited for; a user or a database that is not there is refused") {
  CHECK_THROWS_AS(check_database("postgresql://127.0.0.1:1/x", use_of()), Retryable);
  const std::string url = fresh_database();
  refused(url.substr(0, url.rfind('/')) + "/nowhere", use_of(),
          Catch::Contains("does not exist") && Catch::Contains("CREATE DATABASE"));
  refused(as_user(url, "sluice", "wrong"), use_of(),
          Catch::Contains("password authentication failed") && Catch::Contains("of the URL"));
}

TEST_CASE("the same is understood of a server that speaks another language") {
  // French says neither "authentication failed" nor "does not exist". Without its messages
  // installed the server speaks English, and this tests less.
  const std::string url = fresh_database();
  PgConnection(superuser_of(url)).run("ALTER ROLE sluice SET lc_messages = 'C'");
  CHECK_THROWS_AS(PgConnection(as_user(url, "sluice", "wrong")).connect(), Misconfigured);
}

TEST_CASE("the URL for readers reads, with the rights of the role where there is one") {
  const std::string url = fresh_database();
  apply(url);
  const std::string reader = reader_url(url);
  PgConnection session(reader);
  CHECK(session.run("SELECT current_user").text(0, 0) == "sluice_reader");
  CHECK(session.run("SELECT count(*) FROM shapes.only_key").text(0, 0) == "0");
  CHECK_THROWS_AS(session.run("DELETE FROM shapes_g1.only_key"), Error);
  const std::string stranger = login(url, "unread");
  PgConnection plain(reader_url(stranger));
  CHECK(plain.run("SELECT current_user").text(0, 0) == "unread");
  CHECK(plain.run("SHOW transaction_read_only").text(0, 0) == "on");
  CHECK(with_session_options("host=h user=u", "-c a=b") == "host=h user=u options='-c a=b'");
  CHECK(with_session_options("postgresql://h/d?sslmode=require", "-c a=b") ==
        "postgresql://h/d?sslmode=require&options=-c%20a%3Db");
  CHECK(with_session_options("postgresql://h/d?options=-c%20x%3Dy", "-c a=b") ==
        "postgresql://h/d?options=-c%20x%3Dy");
}

TEST_CASE("rights are asked for every generation, whatever its number") {
  const std::string url = fresh_database();
  apply(url);
  REQUIRE(make_generation(url, use_of().schemas.front(), {}).number == 2);
  const std::string writer = login(url, "folder");
  PgConnection superuser(superuser_of(url));
  superuser.run("GRANT sluice_writer TO folder; GRANT TEMPORARY ON DATABASE " + database_of(url) +
                " TO folder");
  CHECK_NOTHROW(check_database(writer, use_of(false)));
  PgConnection(url).run("REVOKE INSERT ON shapes_g2.only_key FROM sluice_writer");
  refused(writer, use_of(false), Catch::Contains("folder may not write shapes_g2.only_key"));
  superuser.run("ALTER TABLE shapes_g2.share OWNER TO postgres");
  refused(url, use_of(), Catch::Contains("table shapes_g2.share belongs to postgres"));
}

TEST_CASE(
    "tables that only a newer program knows are refused, those of one that goes on are kept") {
  const std::string url = fresh_database();
  apply(url);
  PgConnection connection(url);
  const auto noted = [&] {
    return std::string(
        connection
            .run("SELECT concat_ws(' ', revision, least_revision, digest = 'another') "
                 "FROM sluice.applied WHERE name = 'sluice'")
            .text(0, 0));
  };
  const std::string ours =
      std::to_string(kEngineRevision) + " " + std::to_string(kEngineLeastRevision);
  CHECK(noted() == ours + " f");
  const auto note = [&](int revision, int least) {
    connection.run(
        "UPDATE sluice.applied SET revision = $1, least_revision = $2, digest = "
        "'another' WHERE name = 'sluice'",
        {std::to_string(revision), std::to_string(least)});
  };
  // A newer program has changed something, by which this one can still work: it changes nothing.
  note(kEngineRevision + 1, kEngineRevision);
  CHECK_NOTHROW(check_database(url, use_of()));
  apply(url);
  apply_schema(url, use_of().schemas, Apply::everything);
  CHECK(noted() ==
        std::to_string(kEngineRevision + 1) + " " + std::to_string(kEngineRevision) + " t");
  // Something by which this one cannot.
  note(kEngineRevision + 1, kEngineRevision + 1);
  for (const bool makes_tables : {true, false}) {
    refused(url, use_of(makes_tables),
            Catch::Contains("made by a newer program") &&
                Catch::Contains("revision " + std::to_string(kEngineRevision + 1)) &&
                Catch::Contains("start that program"));
  }
  CHECK_THROWS_AS(apply(url), Misconfigured);
  // One from before there were numbers is brought up.
  connection.run("ALTER TABLE sluice.applied DROP COLUMN revision, DROP COLUMN least_revision");
  CHECK_NOTHROW(check_database(url, use_of()));
  apply(url);
  CHECK(noted() == ours + " f");
}

TEST_CASE("a table of the engine that has lost its primary key is refused by name") {
  const std::string url = fresh_database();
  apply(url);
  PgConnection connection(url);
  CHECK(engine_keys().size() == 12);
  for (const EngineKey& key : engine_keys()) {
    const std::string name = key.table.substr(key.table.find('.') + 1);
    // What refers to it goes along.
    connection.run("ALTER TABLE " + key.table + " DROP CONSTRAINT " + name + "_pkey CASCADE");
    CHECK_THROWS_WITH(
        require_known_engine(connection),
        Catch::Contains("table " + key.table + " of this database lacks its primary key (" +
                        key.columns + ")") &&
            Catch::EndsWith(key.statement()));
    if (name == "position") {
      for (const bool makes_tables : {true, false}) {
        refused(url, use_of(makes_tables), Catch::Contains("table sluice.position"));
      }
      CHECK_THROWS_AS(apply(url), Misconfigured);
    }
    connection.run(key.statement());
    CHECK_NOTHROW(require_known_engine(connection));
  }
}
