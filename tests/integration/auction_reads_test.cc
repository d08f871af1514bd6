// What readers ask of the auction's tables, on a real Postgres.

#include <catch2/catch.hpp>
#include <regex>

#include "auction/tables.pb.h"
#include "schemas/descriptors/domain.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {
namespace {

constexpr int kBids = 3000;

// Two sessions with many ties: 40 scores, 10 times. Positions tell the last apart.
class Reads {
 public:
  Reads() : connection_(database_with_schema()) {
    connection_.run(
        "INSERT INTO auction_g1.bid (session_id, user_id, price, weight, score, client_bid_id, "
        "placed_at, position, bid_count) "
        "SELECT s, 'u' || i, i % 40, 1, (i * 7919 % 40) / 3.0, '', "
        "to_timestamp(1700000000 + i * 31 % 10), (i * 577) % 3001, 1 "
        "FROM generate_series(1, " +
        std::to_string(kBids) + ") i, (VALUES ('s'), ('t')) AS sessions(s)");
    connection_.run("VACUUM ANALYZE auction_g1.bid");
  }
  std::string value(const std::string& sql) {
    const PgResult rows = connection_.run(sql);
    REQUIRE(rows.rows() == 1);
    return std::string(rows.text(0, 0));
  }
  std::string plan(const std::string& sql) {
    const PgResult rows = connection_.run("EXPLAIN (ANALYZE, TIMING OFF) " + sql);
    std::string all;
    for (int i = 0; i < rows.rows(); ++i) all += std::string(rows.text(i, 0)) + "\n";
    return all;
  }
  void run(const std::string& sql) { connection_.run(sql); }

 private:
  static std::string database_with_schema() {
    const std::string url = fresh_database();
    for (const Domain& domain : domains()) {
      if (domain.name != "auction") continue;
      const PublishedSchema schema{.domain = domain.name,
                                   .tables = auction::Bid::descriptor()->file(),
                                   .tables_source = domain.tables_source,
                                   .reads_sql = domain.reads_sql};
      apply_schema(url, {&schema, 1});
      apply_schema(url, {&schema, 1});  // reads are made again as they are
    }
    return url;
  }

  PgConnection connection_;
};

// Rows that nodes of this kind have found, by the plan.
int rows_found(const std::string& plan, const std::string& node) {
  const std::regex found(node + R"([^\n]*actual rows=(\d+))");
  int rows = 0;
  for (std::sregex_iterator at(plan.begin(), plan.end(), found), end; at != end; ++at) {
    rows += std::stoi((*at)[1]);
  }
  return rows;
}

}  // namespace

TEST_CASE("a caller's own rank is 1 and the standing bids ahead of it, for everybody") {
  Reads reads;
  CHECK(reads.value("SELECT count(*) FROM ("
                    "SELECT auction.rank(session_id, user_id) AS rank, row_number() OVER ("
                    "PARTITION BY session_id ORDER BY score DESC, placed_at, position) AS place "
                    "FROM auction.bid) ranks WHERE rank IS DISTINCT FROM place") == "0");
  CHECK(reads.value("SELECT auction.rank('s', 'nobody') IS NULL") == "t");
  CHECK(reads.value("SELECT auction.rank('nothing', 'u1') IS NULL") == "t");
}

TEST_CASE("a rank is counted in the index only, in as many rows as there are bids ahead") {
  Reads reads;
  const std::string user = reads.value(
      "SELECT user_id FROM auction.bid WHERE session_id = 's' "
      "ORDER BY score DESC, placed_at, position OFFSET 49 LIMIT 1");
  reads.run("PREPARE own(text, text) AS " +
            reads.value("SELECT prosrc FROM pg_proc WHERE oid = 'auction.rank'::regproc"));
  const std::string plan = reads.plan("EXECUTE own('s', '" + user + "')");
  INFO(plan);
  CHECK(plan.find("Seq Scan") == std::string::npos);
  CHECK(rows_found(plan, "Index Only Scan using") == 49);
  CHECK(rows_found(plan, "Index Scan using") == 1);  // the caller's own row
}

TEST_CASE("51 queries a page") {
  Reads reads;
  reads.run(
      "INSERT INTO auction_g1.leaderboard (session_id, rank, user_id, price, score, placed_at) "
      "SELECT 's' || s, r, 'u' || r, r, r, now() FROM generate_series(1, 300) s, "
      "generate_series(1, 100) r");
  reads.run("VACUUM ANALYZE auction_g1.leaderboard");
  const std::string plan = reads.plan(
      "SELECT * FROM auction.leaderboard WHERE session_id = 's7' AND rank BETWEEN 51 AND 100 "
      "ORDER BY rank");
  INFO(plan);
  CHECK(plan.find("Seq Scan") == std::string::npos);
  CHECK(rows_found(plan, "leaderboard_pkey") == 50);
}

TEST_CASE("who looks for a user in the ranking finds them by an index") {
  Reads reads;
  reads.run(
      "INSERT INTO auction_g1.ranking (session_id, rank, user_id, price, weight, score, placed_at, "
      "is_winner) SELECT 's', r, 'u' || r, r, 1, r, now(), false FROM generate_series(1, 9000) r");
  reads.run("VACUUM ANALYZE auction_g1.ranking");
  const std::string plan =
      reads.plan("SELECT * FROM auction.ranking WHERE session_id = 's' AND user_id = 'u77'");
  INFO(plan);
  CHECK(rows_found(plan, "Index Scan using") == 1);
}

}  // namespace sluice::testing
