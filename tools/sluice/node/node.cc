#include "tools/sluice/node/node.h"

#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "ingest/ingest.h"
#include "storage/base/errors.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/private_cluster.h"
#include "storage/postgres/schema.h"
#include "tools/sluice/node/computation_metrics.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/http_limits.h"
#include "tools/sluice/node/listen.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/node/workers.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDrain{10'000};
// A database that starts together with us may take this long.
constexpr milliseconds kPatience{60'000};
constexpr milliseconds kBetweenTries{500};
// After the private Postgres.
constexpr milliseconds kBetweenLooks{500};

template <class Work>
void patiently(const std::stop_token& stop, Work work) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    try {
      return work();
    } catch (const Retryable& failure) {
      if (stop.stop_requested() || std::chrono::steady_clock::now() > deadline) throw;
      spdlog::warn("waiting error=\"{}\"", failure.what());
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace

// In the order of starting; destroyed in the reverse.
struct Node::Parts {
  explicit Parts(const NodeConfig& config)
      : folder(config.data),
        domains(choose_domains(config.domains)),
        projections(projections_of(domains)) {}

  DataFolder folder;
  std::vector<Domain> domains;
  std::vector<Projection> projections;
  std::unique_ptr<PrivateCluster> cluster;
  std::string postgres;
  std::unique_ptr<Log> log;
  std::unique_ptr<EventWriter> writer;
  std::unique_ptr<EventWriter> quick_writer;  // null: the other does
  prometheus::Registry metrics;
  std::unique_ptr<Workers> workers;
  std::unique_ptr<ComputationMetrics> computations;
  std::stop_source stop_workers;
  std::exception_ptr failure;
  std::unique_ptr<Ingest> ingest;
  NodeAddresses addresses;
};

Node::Node(const NodeConfig& config, const std::stop_token& stop)
    : parts_(std::make_unique<Parts>(config)) {
  Parts& parts = *parts_;
  const int projectors =
      config.partitions * static_cast<int>(std::max<std::size_t>(parts.projections.size(), 1));
  const MemoryBudget memory =
      divide_memory(config.memory, {.ingest = true, .projectors = projectors});
  if (config.postgres.empty()) {
    parts.cluster = std::make_unique<PrivateCluster>(parts.folder.path() / "postgres");
    spdlog::info("postgres started pid={}", parts.cluster->pid());
  }
  parts.postgres = parts.cluster ? parts.cluster->url() : config.postgres;
  parts.log = config.brokers.empty() ? own_embedded_log(parts.folder.path(), memory.log)
                                     : kafka_log(config.brokers, config.kafka, memory.log);
  const auto topology = parts.log->topology();
  IngestConfig ingest;
  ingest.address = config.address;
  ingest.port = config.port;
  ingest.threads = config.http_threads;
  ingest.http = http_limits(config.memory, memory.ingest);
  ingest.appender.waiting_bytes = ingest.http.memory;
  // Of all: a domain that is projected here may emit to one that is not.
  for (const Domain& domain : domains()) {
    try {
      patiently(stop, [&] { topology->create(stream_of(domain.name), config.partitions); });
    } catch (const Corrupt& damage) {
      // The database is served all the same: who reads it needs no log.
      spdlog::error("log damaged stream={} error=\"{}\"", stream_of(domain.name), damage.what());
    }
  }
  for (const Domain& domain : parts.domains) {
    ingest.partitions.emplace(domain.name, config.partitions);
  }
  const auto schemas = schemas_of(parts.domains, config.partitions, config.dedupe_horizon,
                                  config.quarantine_retention);
  patiently(stop, [&] { apply_schema(parts.postgres, schemas, Apply::what_changed); });

  parts.workers =
      std::make_unique<Workers>(parts.projections,
                                WorkersConfig{.data = parts.folder.path(),
                                              .instance = parts.folder.instance(),
                                              .workers = config.workers,
                                              .partitions = projectors,
                                              .memory = memory,
                                              .flush_interval = config.flush_interval,
                                              .math_interval_min = config.math_interval_min},
                                *parts.log, [url = parts.postgres](const Projection& projection) {
                                  return open_sink(url, projection.name);
                                });
  parts.computations =
      std::make_unique<ComputationMetrics>(parts.metrics, parts.workers->computations());
  parts.writer = parts.log->writer();
  parts.quick_writer = parts.log->quick_writer();
  parts.ingest = std::make_unique<Ingest>(
      domains(), ingest,
      IngestParts{.writer = parts.quick_writer ? *parts.quick_writer : *parts.writer,
                  .metrics = parts.metrics,
                  .unready = [&workers = *parts.workers] { return workers.troubles(); },
                  .clock = [&log = *parts.log] { return log.now(); },
                  .refresh_metrics = [&parts] { parts.computations->refresh(); },
                  .advice = [&log = *parts.log] { return log.advice(); },
                  .patient_writer = parts.quick_writer ? parts.writer.get() : nullptr});
  parts.ingest->start();
  parts.addresses = {http_url({config.address, parts.ingest->port()}), parts.postgres};
}

Node::~Node() = default;

const NodeAddresses& Node::addresses() const { return parts_->addresses; }

void Node::run(const std::stop_token& stop) {
  Parts& parts = *parts_;
  std::mutex mutex;
  std::condition_variable_any ended;
  bool workers_ended = false;
  std::jthread working([&] {
    try {
      parts.workers->run(parts.stop_workers.get_token());
    } catch (...) {
      // Carried to the caller's thread.
      parts.failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    workers_ended = true;
    ended.notify_all();
  });
  {
    std::unique_lock lock(mutex);
    while (!stop.stop_requested() && !workers_ended) {
      ended.wait_for(lock, stop, kBetweenLooks, [&] { return workers_ended; });
      if (parts.cluster) parts.cluster->keep_running();
    }
  }
  spdlog::info("stopping");
  // Posts first, so that nothing comes in that is not folded; the database last.
  parts.ingest->drain(kDrain);
  parts.stop_workers.request_stop();
  working.join();
  if (parts.cluster) parts.cluster->stop();
  spdlog::info("stopped");
  if (parts.failure) std::rethrow_exception(parts.failure);
}

}  // namespace sluice
