// What readers of any domain find in Postgres: comments, keys, one collation, and a plan for what
// they obviously ask, whether the tables have statistics or not.

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "schemas/descriptors/domain.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/swap/promotion.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {
namespace {

std::string with_every_domain() {
  std::string url = fresh_database();
  std::vector<PublishedSchema> schemas;
  for (const Domain& domain : domains()) {
    schemas.push_back({.domain = domain.name,
                       .tables = domain.tables,
                       .tables_source = domain.tables_source,
                       .reads_sql = domain.reads_sql});
  }
  apply_schema(url, schemas);
  return url;
}

// A second generation with the same rows, which takes the place of the first, as of no position.
void swap_deliberation(const std::string& url, PgConnection& connection) {
  for (const Domain& domain : domains()) {
    if (domain.name != "deliberation") continue;
    const PublishedSchema schema{.domain = domain.name,
                                 .tables = domain.tables,
                                 .tables_source = domain.tables_source,
                                 .reads_sql = domain.reads_sql};
    CHECK(make_generation(url, schema, {}).number == 2);
  }
  connection.run(
      "DO $$ DECLARE t text; BEGIN "
      "FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'deliberation_g1' LOOP "
      "EXECUTE format('INSERT INTO deliberation_g2.%I SELECT * FROM deliberation_g1.%I', t, t); "
      "END LOOP; EXECUTE keys_sql FROM sluice.projection WHERE generation = 2; END $$;"
      "UPDATE sluice.projection SET phase = 'following', status = 'ready' WHERE generation = 2");
  const Promoted done = promote(url, {"deliberation", 1, 2, 1, "ready"});
  REQUIRE(std::holds_alternative<Promotion>(done));
}

std::vector<std::string> lines(PgConnection& connection, const std::string& sql) {
  const PgResult rows = connection.run(sql);
  std::vector<std::string> all;
  for (int i = 0; i < rows.rows(); ++i) all.emplace_back(rows.text(i, 0));
  return all;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// 500 conversations of 40 opinions and 20 voters on all of them, a rejection and a notification for
// each opinion: enough that reading a table whole is never the cheapest.
void fill(PgConnection& connection) {
  connection.run(
      "INSERT INTO deliberation_g1.conversation (conversation_id, slug, owner_id, created_at) "
      "SELECT 'c' || c, 'slug' || c, 'owner' || c % 100, now() FROM generate_series(1, 500) c;"
      "INSERT INTO deliberation_g1.opinion (conversation_id, opinion_id, author_id, created_at) "
      "SELECT 'c' || c, 'o' || o, 'author' || (c * o) % 997, now() "
      "FROM generate_series(1, 500) c, generate_series(1, 40) o;"
      "INSERT INTO deliberation_g1.notification (recipient_id, notification_id, created_at) "
      "SELECT 'author' || (c * o) % 997, 'c' || c || '/o' || o, now() - o * interval '1 h' "
      "FROM generate_series(1, 500) c, generate_series(1, 40) o;"
      "INSERT INTO deliberation_g1.ballot (conversation_id, participant_id, votes, vote_count) "
      "SELECT 'c' || c, 'p' || p, votes, 40 FROM generate_series(1, 500) c, "
      "generate_series(1, 20) p, (SELECT jsonb_object_agg('o' || o, 'agree') AS votes FROM "
      "generate_series(1, 40) o) AS all_opinions;"
      "INSERT INTO auction_g1.session (session_id, owner_id, created_at) "
      "SELECT 's' || s, 'owner' || s % 100, now() FROM generate_series(1, 20000) s;"
      "INSERT INTO sluice.rejection SELECT 'deliberation', 1, 0, n, 'event' || n, 'vote.set', "
      "'c' || n % 500, 'opinion.unknown', now() FROM generate_series(1, 20000) n");
}

void vacuum(PgConnection& connection) {
  connection.run("VACUUM ANALYZE " +
                 lines(connection,
                       "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM "
                       "pg_tables WHERE schemaname LIKE 'deliberation_g%'")
                     .front());
}

// What readers ask, and the index that answers.
const std::map<std::string, std::string> kAsked = {
    {"SELECT * FROM deliberation.conversation WHERE slug = 'slug7'", "conversation_order1"},
    {"SELECT * FROM deliberation.conversation WHERE owner_id = 'owner7' ORDER BY created_at DESC",
     "conversation_order2"},
    {"SELECT * FROM deliberation.opinion WHERE author_id = 'author7' ORDER BY created_at DESC",
     "opinion_order1"},
    {"SELECT * FROM deliberation.notification WHERE recipient_id = 'author7' "
     "ORDER BY created_at DESC LIMIT 20",
     "notification_order1"},
    {"SELECT * FROM deliberation.voters('c7', 'o7')", "ballot_pkey"},
    {"SELECT * FROM deliberation.vote WHERE conversation_id = 'c7' AND participant_id = 'p7'",
     "ballot_pkey"},
    {"SELECT * FROM auction.session WHERE owner_id = 'owner7' ORDER BY created_at DESC",
     "session_order1"},
    {"SELECT * FROM sluice.rejection WHERE event_id = 'event7'", "rejection_by_event"},
    {"SELECT * FROM sluice.rejection WHERE projection = 'deliberation' AND key = 'c7'",
     "rejection_by_key"},
};

void check_plans(PgConnection& connection) {
  for (const auto& [question, index] : kAsked) {
    const std::string plan = joined(lines(connection, "EXPLAIN " + question));
    INFO(question << "\n" << plan);
    CHECK(plan.find("Seq Scan") == std::string::npos);
    CHECK(plan.find(index) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("what readers obviously ask has a plan, with statistics and without") {
  PgConnection connection(with_every_domain());
  // Of tables that nobody has looked through yet.
  connection.run(
      "ALTER TABLE deliberation_g1.opinion SET (autovacuum_enabled = off);"
      "ALTER TABLE sluice.rejection SET (autovacuum_enabled = off)");
  fill(connection);
  check_plans(connection);
  connection.run(
      "ANALYZE deliberation_g1.conversation, deliberation_g1.opinion, "
      "deliberation_g1.notification, "
      "deliberation_g1.ballot, auction_g1.session, sluice.rejection");
  check_plans(connection);
}

TEST_CASE("the guard of a swap is one look a statement, and leaves plans their indexes and order") {
  const std::string url = with_every_domain();
  PgConnection connection(url);
  fill(connection);
  connection.run(
      "INSERT INTO deliberation_g1.feed (conversation_id, created_at, vote_count) "
      "SELECT 'c' || c, now() - c * interval '1 h', c FROM generate_series(1, 5000) c");
  vacuum(connection);
  auto asked = kAsked;
  for (const char* ordered :
       {"SELECT * FROM deliberation.feed_new(20)",
        "SELECT conversation_id FROM deliberation.feed ORDER BY created_at DESC, conversation_id "
        "DESC LIMIT 5",
        "SELECT * FROM deliberation.opinion LEFT JOIN deliberation.math_opinion USING "
        "(conversation_id, opinion_id) WHERE conversation_id = 'c7'",
        "SELECT * FROM deliberation.notification n JOIN deliberation.conversation c ON "
        "c.owner_id = n.recipient_id WHERE n.recipient_id = 'author7' ORDER BY n.created_at",
        "SELECT count(*) FROM deliberation.ballot WHERE conversation_id = 'c7'"}) {
    asked[ordered] = "";
  }
  // What a plan does, without what the guard adds and what it costs.
  const auto steps = [&](const std::string& question) {
    std::string all;
    for (std::string line : lines(connection, "EXPLAIN (COSTS OFF) " + question)) {
      for (const char* added : {"InitPlan", "Result", "One-Time Filter"}) {
        if (line.find(added) != std::string::npos) line.clear();
      }
      line.erase(0, line.find_first_not_of(" ->"));
      all += line.empty() ? "" : line + "\n";
    }
    return all;
  };
  std::map<std::string, std::string> before;
  for (const auto& [question, index] : asked) before[question] = steps(question);
  swap_deliberation(url, connection);
  vacuum(connection);
  for (const auto& [question, index] : asked) {
    INFO(joined(lines(connection, "EXPLAIN " + question)));
    CHECK(steps(question) == before[question]);
  }
  check_plans(connection);
  // Once, however many rows and views.
  const std::string run = joined(lines(connection,
                                       "EXPLAIN (ANALYZE, TIMING OFF) SELECT count(*) FROM "
                                       "deliberation.opinion"));
  INFO(run);
  const auto guard = run.find("InitPlan");
  REQUIRE(guard != std::string::npos);
  CHECK(run.find("rows=1 loops=1", guard) != std::string::npos);
}

TEST_CASE("who voted on an opinion is told by a look-up a ballot, as the view of votes has it") {
  PgConnection connection(with_every_domain());
  fill(connection);
  CHECK(joined(lines(connection,
                     "SELECT participant_id || choice FROM deliberation.voters('c7', "
                     "'o7') ORDER BY 1")) ==
        joined(lines(connection,
                     "SELECT participant_id || choice FROM deliberation.vote "
                     "WHERE conversation_id = 'c7' AND opinion_id = 'o7' ORDER BY 1")));
  CHECK(lines(connection, "SELECT participant_id FROM deliberation.voters('c7', 'none')").empty());
}

TEST_CASE("no index has a column that every vote changes, but where a reader orders by it") {
  PgConnection connection(with_every_domain());
  const std::set<std::string> hot = {"ballot", "conversation_stats", "opinion_stats"};
  for (const std::string& table : hot) {
    INFO(table);
    CHECK(lines(connection,
                "SELECT indexname FROM pg_indexes WHERE schemaname = "
                "'deliberation_g1' AND tablename = '" +
                    table + "'") == std::vector<std::string>{table + "_pkey"});
  }
}

TEST_CASE("every text column that readers meet is ordered by its bytes") {
  PgConnection connection(with_every_domain());
  const std::string text_columns =
      " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
      "WHERE c.relnamespace::regnamespace::text ~ '^(sluice|auction|deliberation|people)(_g1)?$' "
      "AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped "
      "AND a.atttypid = 'text'::regtype";
  CHECK(lines(connection, "SELECT count(*) > 50" + text_columns).front() == "t");
  CHECK(joined(lines(connection, "SELECT c.oid::regclass || '.' || a.attname" + text_columns +
                                     " AND a.attcollation <> 'pg_catalog.\"C\"'::regcollation")) ==
        "");
}

// From jit_above_cost on a plan is compiled at each look, which takes a second.
TEST_CASE("looking at how things stand is not worth compiling") {
  PgConnection connection(with_every_domain());
  for (const char* view : {"freshness", "computation"}) {
    INFO(view);
    CHECK(lines(connection, std::string("SELECT count(*) >= 0 FROM sluice.") + view).front() ==
          "t");
    const std::string plan =
        lines(connection, std::string("EXPLAIN SELECT * FROM sluice.") + view).front();
    const std::size_t cost = plan.find("..");
    REQUIRE(cost != std::string::npos);
    CHECK(std::stod(plan.substr(cost + 2)) < 100'000);
  }
}

TEST_CASE("the views that readers use say what they are, by which key, and what each column is") {
  PgConnection connection(with_every_domain());
  CHECK(joined(lines(connection,
                     "SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND relnamespace::"
                     "regnamespace::text IN ('sluice', 'auction', 'deliberation', 'people') "
                     "AND coalesce(obj_description(oid, 'pg_class'), '') = ''")) == "");
  CHECK(lines(connection, "SELECT obj_description('deliberation.opinion'::regclass, 'pg_class')")
            .front() ==
        "An opinion: a statement that participants vote on. Key: conversation_id, opinion_id.");
  CHECK(lines(connection,
              "SELECT col_description('deliberation.opinion'::regclass, attnum) FROM "
              "pg_attribute WHERE attrelid = 'deliberation.opinion'::regclass AND "
              "attname = 'is_seed'")
            .front() == "Whether the conversation began with it, or it was posted as if so.");
  // As many as the tables have.
  CHECK(joined(lines(connection,
                     "SELECT v.oid::regclass FROM pg_class v JOIN pg_class t ON t.relname = "
                     "v.relname AND t.relnamespace::regnamespace::text = "
                     "v.relnamespace::regnamespace::text || '_g1' WHERE v.relkind = 'v' AND "
                     "(SELECT count(*) FROM pg_description d WHERE d.objoid = v.oid AND objsubid > "
                     "0) <> (SELECT count(*) FROM pg_description d WHERE d.objoid = t.oid AND "
                     "objsubid > 0)")) == "");
}

TEST_CASE("a view of votes that was made with another collation is made anew") {
  const std::string url = with_every_domain();
  PgConnection connection(url);
  connection.run(
      "DROP VIEW deliberation.vote; CREATE VIEW deliberation.vote AS SELECT conversation_id, "
      "participant_id, key AS opinion_id, value AS choice FROM deliberation.ballot, LATERAL "
      "jsonb_each_text(votes)");
  for (const Domain& domain : domains()) {
    if (domain.name != "deliberation") continue;
    const PublishedSchema schema{.domain = domain.name,
                                 .tables = domain.tables,
                                 .tables_source = domain.tables_source,
                                 .reads_sql = domain.reads_sql};
    CHECK_NOTHROW(apply_schema(url, {&schema, 1}));
  }
}

}  // namespace sluice::testing
