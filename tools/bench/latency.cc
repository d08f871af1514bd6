// How long it takes from when an event is to be posted until a reader of Postgres can see its row,
// at a steady rate.
//
// usage: bench_latency HTTP POSTGRES RATE SECONDS      the URLs that `sluice up` prints
//
// Posts batches at fixed times, whatever became of those before, and looks at the positions in
// Postgres every millisecond. A batch counts from the time it was due, so that a server that holds
// the client up does not hide its delay.

#include <libpq-fe.h>
#include <simdjson.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/check.h"
#include "storage/base/mutex.h"
#include "tools/simulate/deliberation.h"
#include "tools/sluice/client/http_client.h"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kPosters = 4;
constexpr milliseconds kInterval{40};  // of one poster
constexpr milliseconds kPatience{60'000};
constexpr milliseconds kWarmUp{3'000};

using Positions = std::map<int, long long>;  // by partition

struct Posted {
  Clock::time_point due;
  std::size_t events;
  Positions reached;
};

class Measurement {
 public:
  void add(Posted posted) {
    const MutexLock lock(mutex_);
    waiting_.push_back(std::move(posted));
  }

  // Takes out what the view shows at `now`; whether nothing waits any more.
  bool seen(const Positions& view, Clock::time_point now) {
    const MutexLock lock(mutex_);
    std::erase_if(waiting_, [&](const Posted& posted) SLUICE_REQUIRES(mutex_) {
      for (const auto& [partition, position] : posted.reached) {
        const auto at = view.find(partition);
        if (at == view.end() || at->second < position) return false;
      }
      latencies_.insert(latencies_.end(), posted.events,
                        std::chrono::duration<double, std::milli>(now - posted.due).count());
      return true;
    });
    return waiting_.empty();
  }

  void print(double seconds) {
    const MutexLock lock(mutex_);
    std::sort(latencies_.begin(), latencies_.end());
    CHECK(!latencies_.empty(), "something was posted");
    const auto percentile = [&](double share) SLUICE_REQUIRES(mutex_) {
      return latencies_[static_cast<std::size_t>(share *
                                                 static_cast<double>(latencies_.size() - 1))];
    };
    std::printf(
        "| due to visible | %zu events | %.0f a second | p50 %.0f ms | p99 %.0f ms | max %.0f ms "
        "|\n",
        latencies_.size(), static_cast<double>(latencies_.size()) / seconds, percentile(0.5),
        percentile(0.99), latencies_.back());
  }

 private:
  Mutex mutex_;
  std::vector<Posted> waiting_ SLUICE_GUARDED_BY(mutex_);
  std::vector<double> latencies_ SLUICE_GUARDED_BY(mutex_);
};

// Of "deliberation~k3f9q2:0@12,deliberation~k3f9q2:3@7".
Positions positions_of(std::string_view token) {
  Positions positions;
  while (!token.empty()) {
    const std::string part(token.substr(0, token.find(',')));
    token.remove_prefix(std::min(token.size(), part.size() + 1));
    int partition = 0;
    long long position = 0;
    CHECK(std::sscanf(part.c_str(), "deliberation~%*6[a-z0-9]:%d@%lld", &partition, &position) == 2,
          "tokens have this form");
    positions[partition] = position;
  }
  return positions;
}

class Poster {
 public:
  Poster(const std::string& url, std::uint64_t seed, std::size_t batch)
      : client_(url, {}, kPatience), traffic_(seed, {}), batch_(batch) {}

  // Before anything is measured: conversations come first.
  void begin() {
    const simdjson::dom::element reply = post(simulate::DeliberationShape().conversations);
    CHECK(std::uint64_t(reply["accepted"]) > 0, "conversations are admitted");
  }

  void post_until(Clock::time_point due, Clock::time_point end, Measurement& measurement,
                  Clock::time_point measured_from) {
    for (; due < end; due += kInterval) {
      std::this_thread::sleep_until(due);
      const simdjson::dom::element reply = post(static_cast<int>(batch_));
      if (due < measured_from) continue;
      measurement.add({due, batch_, positions_of(std::string_view(reply["token"]))});
    }
  }

 private:
  simdjson::dom::element post(int events) {
    std::string lines;
    for (int i = 0; i < events; ++i) {
      const auto fact = traffic_.next();
      CHECK(fact.has_value(), "there are more facts than events");
      lines += simulate::cloud_event(*fact) + "\n";
    }
    const HttpReply reply =
        client_.send({"POST", "/v1/deliberation/events", "application/x-ndjson", lines});
    CHECK(reply.status == 202, "the server keeps up");
    return parser_.parse(reply.body);
  }

  HttpClient client_;
  simulate::DeliberationTraffic traffic_;
  simdjson::dom::parser parser_;
  const std::size_t batch_;
};

Positions ask(PGconn* connection) {
  constexpr const char* kSql =
      "SELECT partition, position FROM sluice.position p JOIN sluice.projection g USING "
      "(projection, generation) WHERE g.live AND p.projection = 'deliberation'";
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection, kSql), &PQclear);
  CHECK(PQresultStatus(result.get()) == PGRES_TUPLES_OK, "positions can be read");
  Positions view;
  for (int i = 0; i < PQntuples(result.get()); ++i) {
    view[std::stoi(PQgetvalue(result.get(), i, 0))] = std::stoll(PQgetvalue(result.get(), i, 1));
  }
  return view;
}

int run(const std::vector<std::string>& words) {
  if (words.size() != 4) {
    std::fputs("usage: see the head of tools/bench/latency.cc\n", stderr);
    return 2;
  }
  const long long rate = std::stoll(words[2]);
  const auto batch = static_cast<std::size_t>(rate * kInterval.count() / 1000 / kPosters);
  const std::chrono::seconds length(std::stoll(words[3]));
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(words[1].c_str()),
                                                                &PQfinish);
  CHECK(PQstatus(connection.get()) == CONNECTION_OK, "the database is there");

  std::vector<std::unique_ptr<Poster>> posters;
  for (int i = 0; i < kPosters; ++i) {
    posters.push_back(std::make_unique<Poster>(words[0], static_cast<std::uint64_t>(i) + 1, batch));
    posters.back()->begin();
  }
  Measurement measurement;
  const Clock::time_point begin = Clock::now();
  const Clock::time_point measured_from = begin + kWarmUp;
  const Clock::time_point end = measured_from + length;
  std::atomic<int> posting = kPosters;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kPosters; ++i) {
    threads.emplace_back([&, i] {
      posters[static_cast<std::size_t>(i)]->post_until(begin + i * kInterval / kPosters, end,
                                                       measurement, measured_from);
      --posting;
    });
  }
  for (bool done = false; !done;) {
    const bool last = posting == 0;
    const Positions view = ask(connection.get());
    done = measurement.seen(view, Clock::now()) && last;
    CHECK(Clock::now() < end + kPatience, "the view catches up");
    std::this_thread::sleep_for(milliseconds(1));
  }
  measurement.print(std::chrono::duration<double>(length).count());
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(std::vector<std::string>(argv + 1, argv + argc));
}
