// What a bid costs: through us, and as one transaction of Postgres, which is how it is mostly done.
//
// usage: bench_auction HTTP POSTGRES BIDDERS RATE SECONDS     the URLs that `sluice up` prints
//
// One session of so many bidders, who all have a bid already. Then some of them bid again for so
// many seconds, one bid a request, at RATE a second (0: as fast as they are answered). Prints what
// was acknowledged, how long that took a bid, and what of it Postgres had to do. A bid counts from
// the time it was due.

#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/check.h"
#include "tools/sluice/client/http_client.h"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr int kThreads = 16;
constexpr int kPrefillBatch = 2000;
constexpr std::chrono::milliseconds kPatience{60'000};

struct Load {
  std::string http;
  std::string postgres;
  int bidders = 0;
  double rate = 0;
  std::chrono::seconds lasts{0};
};

Connection connect(const std::string& url) {
  Connection connection(PQconnectdb(url.c_str()), &PQfinish);
  CHECK(PQstatus(connection.get()) == CONNECTION_OK, "the database is there");
  return connection;
}

Result ask(PGconn* connection, const std::string& sql) {
  Result result(PQexec(connection, sql.c_str()), &PQclear);
  const auto status = PQresultStatus(result.get());
  CHECK(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "our own SQL is right");
  return result;
}

long long number(const std::string& url, const std::string& sql) {
  const Connection connection = connect(url);
  return std::atoll(PQgetvalue(ask(connection.get(), sql).get(), 0, 0));
}

std::string event(const std::string& type, const std::string& data) {
  return R"({"specversion":"1.0","source":"/bench","type":")" + type +
         R"(","actor":"shop","actorrole":"service","data":{"session_id":"bench",)" + data + "}}\n";
}

std::string bid(int user, int price) {
  return event("bid.placed",
               R"("user_id":"u)" + std::to_string(user) + R"(","price":)" + std::to_string(price));
}

void post(HttpClient& client, const std::string& lines) {
  const HttpReply reply = client.send({.method = "POST",
                                       .path = "/v1/auction/events",
                                       .content_type = "application/x-ndjson",
                                       .body = lines});
  CHECK(reply.status == 202, "bids are accepted");
}

using Place = std::function<void(int user, int price)>;

// Calls `place` for each bid that is due in this thread; returns seconds a bid.
std::vector<double> bid_on(const Load& load, int thread, Clock::time_point begun,
                           const Place& place) {
  const std::chrono::duration<double> paced{load.rate > 0 ? kThreads / load.rate : 0};
  const auto pause = std::chrono::duration_cast<Clock::duration>(paced);
  std::minstd_rand random(static_cast<unsigned>(thread + 1));
  std::vector<double> took;
  auto due = begun + pause * thread / kThreads;
  while (due < begun + load.lasts) {
    std::this_thread::sleep_until(due);
    const auto from = load.rate > 0 ? due : Clock::now();
    place(static_cast<int>(random() % static_cast<unsigned>(load.bidders)),
          static_cast<int>(random() % 1'000'000));
    took.push_back(std::chrono::duration<double>(Clock::now() - from).count());
    due = load.rate > 0 ? due + pause : Clock::now();
  }
  return took;
}

// By kThreads, each with a Place of its own; returns seconds a bid, sorted.
std::vector<double> run(const Load& load, const std::function<Place()>& open) {
  std::vector<std::vector<double>> took(kThreads);
  const auto begun = Clock::now();
  const auto bid_as = [&](int thread) {
    took[static_cast<std::size_t>(thread)] = bid_on(load, thread, begun, open());
  };
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back(bid_as, thread);
  threads.clear();  // joins them
  std::vector<double> all;
  for (const auto& part : took) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end());
  return all;
}

void print(const char* what, const std::vector<double>& took, std::chrono::seconds lasted) {
  const auto at = [&](double share) {
    return 1000 * took[static_cast<std::size_t>(share * static_cast<double>(took.size() - 1))];
  };
  std::printf("| %s | %.0f bids/s | p50 %.1f ms | p99 %.1f ms | max %.1f ms |\n", what,
              static_cast<double>(took.size()) / static_cast<double>(lasted.count()), at(0.5),
              at(0.99), at(1));
}

const std::string kFolded =
    "SELECT coalesce(sum(position), 0) FROM sluice.position WHERE projection = 'auction'";
const std::string kWritten =
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables "
    "WHERE schemaname = 'auction_g1'";
const std::string kTransactions =
    "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";

// Until the view has so many records, and the server has counted what that took.
void wait_for_fold(const Load& load, long long records) {
  while (number(load.postgres, kFolded) < records) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));  // backends report each second
}

void measure_ours(const Load& load) {
  HttpClient client(load.http, {}, kPatience);
  const long long before = number(load.postgres, kFolded);
  post(client, event("session.created",
                     R"("owner_id":"shop","product":"bench","inventory":10,"alpha":0.01,)"
                     R"("starts_at":"2020-01-01T00:00:00Z")"));
  std::string lines;
  for (int user = 0; user < load.bidders; ++user) {
    lines += bid(user, user % 1'000'000);
    if (user % kPrefillBatch != kPrefillBatch - 1 && user + 1 < load.bidders) continue;
    post(client, lines);
    lines.clear();
  }
  wait_for_fold(load, before + 1 + load.bidders);
  const long long written = number(load.postgres, kWritten);
  const long long transactions = number(load.postgres, kTransactions);
  const auto took = run(load, [&]() -> Place {
    auto own = std::make_shared<HttpClient>(load.http, std::string(), kPatience);
    return [own](int user, int price) { post(*own, bid(user, price)); };
  });
  wait_for_fold(load, before + 1 + load.bidders + static_cast<long long>(took.size()));
  print("sluice: posted to acknowledged", took, load.lasts);
  const auto bids = static_cast<double>(took.size());
  std::printf("| rows written a bid | %.2f | transactions a bid | %.4f |\n",
              static_cast<double>(number(load.postgres, kWritten) - written) / bids,
              static_cast<double>(number(load.postgres, kTransactions) - transactions) / bids);
}

const std::string kIsOpen =
    "SELECT status, alpha FROM bench_today.session WHERE session_id = 'bench'";
const std::string kBest =
    "SELECT user_id, price, score FROM bench_today.bid WHERE session_id = 'bench' "
    "ORDER BY score DESC, placed_at LIMIT 50";

// A transaction: is the session open, the user's bid, and what the page shows.
std::vector<std::string> transaction(int user, int price) {
  const std::string who = "'u" + std::to_string(user) + "'";
  const std::string what = std::to_string(price);
  const std::string place =
      "INSERT INTO bench_today.bid VALUES ('bench', " + who + ", " + what + ", " + what +
      " * 0.01, now()) ON CONFLICT (session_id, user_id) DO UPDATE SET price = "
      "excluded.price, score = excluded.score, placed_at = excluded.placed_at";
  return {"BEGIN", kIsOpen, place, kBest, "COMMIT"};
}

void run_all(PGconn* connection, const std::vector<std::string>& statements) {
  for (const std::string& sql : statements) ask(connection, sql);
}

void measure_today(const Load& load) {
  const Connection setup = connect(load.postgres);
  ask(setup.get(),
      "DROP SCHEMA IF EXISTS bench_today CASCADE; CREATE SCHEMA bench_today; "
      "CREATE TABLE bench_today.session (session_id text PRIMARY KEY, status text, alpha float8); "
      "CREATE TABLE bench_today.bid (session_id text, user_id text, price bigint, score float8, "
      "placed_at timestamptz, PRIMARY KEY (session_id, user_id)) WITH (fillfactor = 80); "
      "CREATE INDEX ON bench_today.bid (session_id, score DESC, placed_at); "
      "INSERT INTO bench_today.session VALUES ('bench', 'open', 0.01); "
      "INSERT INTO bench_today.bid SELECT 'bench', 'u' || i, i, i * 0.01, now() "
      "FROM generate_series(0, " +
          std::to_string(load.bidders - 1) + ") i; ANALYZE bench_today.bid");
  std::atomic<long long> statements{0};
  const auto took = run(load, [&]() -> Place {
    const std::shared_ptr<PGconn> own(connect(load.postgres).release(), &PQfinish);
    return [own, &statements](int user, int price) {
      const std::vector<std::string> all = transaction(user, price);
      run_all(own.get(), all);
      statements += static_cast<long long>(all.size());
    };
  });
  print("a transaction a bid", took, load.lasts);
  std::printf("| statements a bid | %.1f |\n",
              static_cast<double>(statements) / static_cast<double>(took.size()));
  ask(setup.get(), "DROP SCHEMA bench_today CASCADE");
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: bench_auction HTTP POSTGRES BIDDERS RATE SECONDS\n", stderr);
    return 2;
  }
  const sluice::bench::Load load{argv[1], argv[2], std::atoi(argv[3]), std::atof(argv[4]),
                                 std::chrono::seconds(std::atoi(argv[5]))};
  sluice::bench::measure_ours(load);
  sluice::bench::measure_today(load);
  return 0;
}
