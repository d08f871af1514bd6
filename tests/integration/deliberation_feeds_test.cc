// Feeds on a real Postgres, against orders that are worked out here.

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "storage/base/errors.h"
#include "tests/integration/deliberation_reads.h"

namespace sluice::testing {
namespace {

using Shown = DeliberationReads::Shown;
using Ids = std::vector<std::string>;

constexpr std::int64_t kNow = DeliberationReads::kNow;

long double days(std::int64_t seconds) { return static_cast<long double>(kNow - seconds) / 86'400; }

// As in the contract: the logarithm of a sum of exponentials, the greatest taken out of the sum.
long double engagement(const Shown& row) {
  std::vector<long double> terms{-0.4L * days(row.created_at),
                                 0.6L * static_cast<long double>(row.opinions),
                                 0.5L * static_cast<long double>(row.votes),
                                 0.4L * static_cast<long double>(row.participants)};
  if (row.last_reacted_at >= 0) terms.push_back(-0.3L * days(row.last_reacted_at));
  const long double most = *std::max_element(terms.begin(), terms.end());
  long double sum = 0;
  for (const long double term : terms) sum += std::exp(term - most);
  return most + std::log(sum);
}

long double balance(const Shown& row) {
  const long double reaction =
      row.last_reacted_at < 0 ? 0 : 0.3L * std::exp2(-days(row.last_reacted_at) / 3);
  const long double votes = std::log1p(static_cast<long double>(row.votes)) / std::log(100'001.0L);
  return 0.4L * std::exp2(-days(row.created_at) / 7) + reaction + 0.5L * std::min(1.0L, votes);
}

long double score(const std::string& feed, const Shown& row) {
  if (feed == "feed_new") return static_cast<long double>(row.created_at);
  return feed == "feed_engagement" ? engagement(row) : balance(row);
}

// Walks the feed by pages of these sizes, over and over; `between` runs between two pages.
template <class Between>
Ids walk(DeliberationReads& reads, const std::string& feed, const std::vector<int>& sizes,
         Between between) {
  Ids all;
  std::string cursor;
  for (std::size_t i = 0; i < 10'000; ++i) {
    const int limit = sizes[i % sizes.size()];
    const auto page = reads.page(feed, limit, cursor);
    RC_ASSERT(static_cast<int>(page.ids.size()) <= limit);
    if (page.ids.empty()) return all;
    all.insert(all.end(), page.ids.begin(), page.ids.end());
    cursor = page.next;
    between();
  }
  RC_FAIL("a walk ends");
  return all;
}

// Few values each, so that many tie; some of everything that overflows.
rc::Gen<Shown> any_row() {
  const auto day = rc::gen::element<std::int64_t>(0, 1, 1, 2, 30, 4000);
  const auto count = rc::gen::element<std::int64_t>(0, 0, 1, 2, 5, 5, 40, 2000, 1'000'000);
  return rc::gen::apply(
      [](std::int64_t created, std::int64_t reacted, std::int64_t opinions, std::int64_t votes,
         std::int64_t participants) {
        return Shown{"",
                     kNow - created * 86'400,
                     reacted == 2 ? -1 : kNow - reacted * 86'400,
                     opinions,
                     votes,
                     participants};
      },
      day, day, count, count, count);
}

std::vector<Shown> any_rows(int most) {
  auto rows = *rc::gen::resize(most, rc::gen::container<std::vector<Shown>>(any_row()));
  int number = 0;
  for (Shown& row : rows) row.id = "c" + std::to_string(number++);
  return rows;
}

std::vector<int> any_sizes() {
  return *rc::gen::nonEmpty(
      rc::gen::resize(4, rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 30))));
}

// Runs a property on an empty feed each time, as often as rapidcheck likes.
template <class Property>
void check_on(DeliberationReads& reads, const std::string& law, Property property) {
  CHECK(rc::check(law, [&] {
    reads.connection().run("TRUNCATE deliberation_g1.feed");
    property();
  }));
}

}  // namespace

TEST_CASE("a walk by pages of any size meets every conversation once, in the order of the score") {
  DeliberationReads reads;
  const std::string feed =
      GENERATE(as<std::string>{}, "feed_new", "feed_engagement", "feed_balanced");
  check_on(reads, feed, [&] {
    const auto rows = any_rows(80);
    reads.show(rows);
    std::map<std::string, long double> scores;
    for (const Shown& row : rows) scores[row.id] = score(feed, row);
    const Ids met = walk(reads, feed, any_sizes(), [] {});
    RC_ASSERT(met.size() == rows.size());
    RC_ASSERT(std::set<std::string>(met.begin(), met.end()).size() == rows.size());
    for (std::size_t i = 1; i < met.size(); ++i) {
      // What is less apart than the scores' last place may come either way.
      RC_ASSERT(scores[met[i - 1]] >= scores[met[i]] - 3e-9L);
    }
  });
}

TEST_CASE("rows that change or come between pages: those that do not are met exactly once") {
  DeliberationReads reads;
  const std::string feed =
      GENERATE(as<std::string>{}, "feed_new", "feed_engagement", "feed_balanced");
  check_on(reads, feed, [&] {
    const auto rows = any_rows(50);
    reads.show(rows);
    const std::size_t changing = rows.size() / 3;
    std::size_t step = 0;
    const Ids met = walk(reads, feed, any_sizes(), [&] {
      ++step;
      Shown changed = changing == 0 ? Shown{"new"} : rows[step % changing];
      if (step % 3 == 0) changed.id = "new" + std::to_string(step);
      if (feed != "feed_new" && step < 40) changed.votes += static_cast<std::int64_t>(step);
      changed.last_reacted_at = kNow;
      if (step < 40) reads.show({changed});
    });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto times = std::count(met.begin(), met.end(), rows[i].id);
      // In the order of creation also those that change.
      if (feed == "feed_new" || i >= changing) RC_ASSERT(times == 1);
    }
  });
}

TEST_CASE("feeds that overflow: engagement of ten million votes, and of nobody for a century") {
  DeliberationReads reads;
  reads.show({{"huge", 0, kNow, 10'000'000, 10'000'000, 10'000'000},
              {"large", kNow, kNow, 1201, 0, 0},
              {"small", kNow, kNow, 3, 3, 3},
              {"old", 0, -1, 0, 0, 0},
              {"future", kNow + 4'000'000'000, -1, 0, 0, 0}});
  CHECK(reads.page("feed_engagement", 10, "").ids ==
        Ids{"huge", "future", "large", "small", "old"});
  CHECK(reads.page("feed_balanced", 10, "").ids.size() == 5);
  const auto engagement_of = [&](const std::string& id) {
    return std::stod(reads.value("SELECT deliberation.engagement(feed, to_timestamp(" +
                                 std::to_string(kNow) +
                                 ")) FROM deliberation.feed WHERE conversation_id = '" + id + "'"));
  };
  CHECK(engagement_of("huge") == Approx(6'000'000));
  CHECK(engagement_of("large") == Approx(720.6));
  CHECK(engagement_of("small") ==
        Approx(std::log(2 + std::exp(1.8) + std::exp(1.5) + std::exp(1.2))));
  CHECK(engagement_of("old") == Approx(std::log(3)));
}

TEST_CASE("at 100,000 conversations a first page reads no more than some hundred rows") {
  DeliberationReads reads;
  auto& connection = reads.connection();
  const bool quiet = GENERATE(true, false);
  connection.run(
      "INSERT INTO deliberation_g1.feed (conversation_id, created_at, last_reacted_at, "
      "opinion_count, vote_count, participant_count) SELECT 'c' || i, "
      "to_timestamp(1700000000 + i * 97 % 50000000), "
      "to_timestamp(1740000000 + i * 7919 % 19000000), "
      "5 + (1000 / i) * $1, (20000 / i) * $1, (5000 / i) * $1 FROM generate_series(1, 100000) i",
      {quiet ? "0" : "1"});
  connection.run("ANALYZE deliberation_g1.feed");
  const std::string feed =
      GENERATE(as<std::string>{}, "feed_new", "feed_engagement", "feed_balanced");
  const auto read = [&](const char* what) {
    return std::stoll(reads.value("SELECT pg_stat_get_xact_tuples_" + std::string(what) +
                                  "('deliberation_g1.feed'::regclass)"));
  };
  connection.run("BEGIN");
  auto page = reads.page(feed, 20, "");
  CHECK(page.ids.size() == 20);
  CHECK(read("returned") == 0);  // by full scans
  long long fetched = 0;
  const auto indexes = connection.run(
      "SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint FROM pg_index "
      "WHERE indrelid = 'deliberation_g1.feed'::regclass");
  fetched = indexes.number(0, 0);
  CHECK(fetched > 0);
  CHECK(fetched < 4000);
  page = reads.page(feed, 20, page.next);
  CHECK(page.ids.size() == 20);
  CHECK(read("returned") == 0);
  connection.run("COMMIT");
}

TEST_CASE("the planner takes an index of feed for each order that pages are read from") {
  DeliberationReads reads;
  reads.connection().run("SET enable_seqscan = off; SET enable_sort = off");
  const auto [order, index] = GENERATE(Catch::Generators::table<std::string, std::string>({
      {"created_at DESC, conversation_id DESC", "feed_order1"},
      {"last_reacted_at DESC NULLS LAST, conversation_id DESC", "feed_order2"},
      {"deliberation.activity(opinion_count, vote_count, participant_count) DESC, "
       "conversation_id DESC",
       "feed_order3"},
      {"vote_count DESC, conversation_id DESC", "feed_order4"},
  }));
  const std::string plan = reads.value(
      "EXPLAIN (FORMAT JSON) SELECT * FROM deliberation.feed ORDER BY " + order + " LIMIT 20");
  CHECK(plan.find("\"" + index + "\"") != std::string::npos);
  CHECK(plan.find("Sort") == std::string::npos);
  // Its rows change with every vote: an index more would cost each of them.
  CHECK(reads.value("SELECT count(*) FROM pg_indexes WHERE schemaname = 'deliberation_g1' AND "
                    "tablename = 'feed' AND indexname NOT LIKE '%pkey'") == "4");
}

TEST_CASE("a cursor is its own feed's, or none") {
  DeliberationReads reads;
  reads.show({{"a", 1}, {"b", 2}});
  const std::string cursor = reads.page("feed_new", 1, "").next;
  CHECK(reads.page("feed_new", 1, cursor).ids == Ids{"a"});
  CHECK_THROWS_AS(reads.page("feed_balanced", 1, cursor), Error);
  CHECK_THROWS_AS(reads.page("feed_new", 1, "WyJuZXciXQ"), Error);
  CHECK_THROWS_AS(reads.page("feed_new", 1, "not one"), Error);
}

}  // namespace sluice::testing
