// The whole way from Kafka to Postgres, as `sluice project` goes it.
//
// usage: bench_drain JOB fill BROKERS EVENTS   makes the topic
//        bench_drain JOB floor BROKERS         drains it with a bare consumer
//        bench_drain JOB drain BROKERS FOLDER WORKERS MEMORY_MB [no-key-index]
//                                              ... with our workers, into a Postgres below FOLDER;
//                                              without an index of keys in the state
// JOB: deliberation, the whole domain; tally, what other engines were measured by (tally.proto).

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/row_options.h"
#include "storage/base/check.h"
#include "storage/base/partitioner.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/private_cluster.h"
#include "tools/bench/cpu_time.h"
#include "tools/bench/floor.h"
#include "tools/bench/tally.h"
#include "tools/simulate/deliberation.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/node/workers.h"

namespace sluice::bench {
namespace {

using std::chrono::steady_clock;

constexpr int kPartitions = 4;
constexpr std::size_t kBatch = 10'000;
// What is folded, of which facts.
struct Job {
  Domain domain;
  Projection projection;
  bool (*takes)(const deliberation::Event& event);
};

std::optional<Job> job_of(std::string_view name) {
  Job job{choose_domains({"deliberation"}).front(), {}, [](const auto&) { return true; }};
  job.projection = projections_of({&job.domain, 1}).front();
  if (name == job.domain.name) return job;
  if (name != "tally") return std::nullopt;
  job.domain.name = "tally";
  job.domain.tables = tally::Opinion::descriptor()->file();
  job.domain.tables_source = job.domain.reads_sql = {};
  job.projection = describe<Tally>("tally");
  job.takes = [](const auto& event) { return event.has_vote_set(); };
  return job;
}

void fill(const Job& job, const std::string& brokers, std::int64_t events) {
  const auto log = kafka_log(brokers, {}, std::size_t{64} << 20);
  // Also those that the fold sends derived records to.
  for (const Domain& domain : domains()) {
    log->topology()->create(stream_of(domain.name), kPartitions);
  }
  log->topology()->create(stream_of(job.domain.name), kPartitions);
  const auto writer = log->writer();
  auto shape = simulate::DeliberationShape::benchmark();
  shape.votes = events;
  simulate::DeliberationTraffic traffic(1, shape);
  std::vector<std::pair<std::string, std::string>> made;
  std::vector<NewRecord> batch;
  for (std::int64_t left = events; left > 0;) {
    made.clear();
    batch.clear();
    const Time now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    while (made.size() < kBatch && left > 0) {
      const auto posted = traffic.next();
      CHECK(posted.has_value(), "there are more votes than events");
      if (!job.takes(posted->event)) continue;
      --left;
      Envelope envelope = simulate::envelope(*posted, now);
      envelope.set_domain(std::string(job.domain.name));
      made.emplace_back(posted->key, envelope.SerializeAsString());
    }
    for (const auto& [key, value] : made) {
      batch.push_back({partition_of(key, kPartitions), key, value});
    }
    writer->append(stream_of(job.domain.name), batch);
  }
}

class FromTheStart final : public Ownership {
 public:
  Offset acquired(Partition) override { return Offset{0}; }
  void lost(Partition) override {}
};

// Read, since offsets do not count them: some are markers of transactions.
std::uint64_t events_in(Log& log, const std::string& stream) {
  std::vector<Partition> partitions;
  for (int i = 0; i < kPartitions; ++i) partitions.push_back(Partition{i});
  FromTheStart from_the_start;
  const auto reader = log.reader(stream, partitions, from_the_start);
  std::uint64_t events = 0;
  do {
    events += reader->poll(std::chrono::milliseconds(100)).size();
  } while (!std::ranges::all_of(partitions, [&](Partition p) { return reader->caught_up(p); }));
  return events;
}

void print(const Probe::Totals& totals, double seconds, double cpu_seconds, bool key_index) {
  const auto n = static_cast<double>(totals.folded);
  const auto rows = static_cast<double>(totals.rows_flushed);
  std::printf("| drain, all of it%s | %.0f events | %.2f CPU-s a million | %.0f events/s |\n",
              key_index ? "" : ", no key index", n, cpu_seconds / n * 1e6, n / seconds);
  std::printf(
      "| rows flushed | %.0f rows, %.3f an event | %llu flushes, %.1f s in them | %.0f rows/s |\n",
      rows, rows / n, static_cast<unsigned long long>(totals.flushes),
      std::chrono::duration<double>(totals.flushing).count(), rows / seconds);
  std::printf("| most memory held | %lld MB | | |\n", peak_memory() >> 20);
}

PublishedSchema schema_of(const Job& job, bool key_index) {
  return {.domain = job.domain.name,
          .tables = job.domain.tables,
          .tables_source = job.domain.tables_source,
          .reads_sql = job.domain.reads_sql,
          .version = job.projection.version,
          .partitions = kPartitions,
          .dedupe_horizon = std::chrono::hours(24),
          .key_index = key_index};
}

void drain(const Job& job, const std::string& brokers, const std::string& folder, int workers,
           std::uint64_t memory, bool key_index) {
  PrivateCluster cluster(std::filesystem::path(folder) / "postgres");
  const PublishedSchema schema = schema_of(job, key_index);
  apply_schema(cluster.url(), {&schema, 1});
  const MemoryBudget budget = divide_memory(memory, {.projectors = kPartitions});
  const auto log = kafka_log(brokers, {}, budget.log);
  const std::uint64_t events = events_in(*log, stream_of(job.domain.name));

  Workers all({job.projection},
              WorkersConfig{.data = std::filesystem::path(folder) / "data",
                            .instance = "bench",
                            .workers = workers,
                            .partitions = kPartitions,
                            .memory = budget},
              *log, [&](const Projection& projection, int, const std::string& session) {
                return ViewSession{std::make_unique<PostgresSink>(
                    PostgresSinkConfig{.url = cluster.url(),
                                       .projection = std::string(projection.name),
                                       .generation = 1,
                                       .published = published_rows(*job.domain.tables),
                                       .session = session})};
              });
  const auto begun = steady_clock::now();
  const auto cpu_begun = process_cpu();
  {
    const std::jthread working([&](const std::stop_token& stop) { all.run(stop); });
    // A topic that was filled twice has the same ids twice.
    const auto taken = [](const Probe::Totals& of) { return of.folded + of.duplicates; };
    while (taken(all.probe().totals()) < events) {
      cluster.keep_running();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    print(all.probe().totals(), std::chrono::duration<double>(steady_clock::now() - begun).count(),
          std::chrono::duration<double>(process_cpu() - cpu_begun).count(), key_index);
  }
  upsert_bare(cluster.url(), generation_schema(job.domain.name, 1));
}

int run(const std::vector<std::string>& words) {
  const auto job = words.empty() ? std::nullopt : job_of(words[0]);
  const auto is = [&](std::string_view what, std::size_t count) {
    return job && words.size() == count && words[1] == what;
  };
  spdlog::set_level(spdlog::level::warn);
  if (is("fill", 4)) {
    fill(*job, words[2], std::stoll(words[3]));
  } else if (is("floor", 3)) {
    drain_bare(words[2], stream_of(job->domain.name));
  } else if (is("drain", 6) || (is("drain", 7) && words[6] == "no-key-index")) {
    drain(*job, words[2], words[3], std::stoi(words[4]), std::stoull(words[5]) << 20,
          words.size() == 6);
  } else {
    std::fputs("usage: see the head of tools/bench/drain.cc\n", stderr);
    return 2;
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(std::vector<std::string>(argv + 1, argv + argc));
}
