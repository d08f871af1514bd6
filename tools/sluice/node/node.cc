#include "tools/sluice/node/node.h"

#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "ingest/ingest.h"
#include "storage/base/errors.h"
#include "storage/base/mutex.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_monitor.h"
#include "storage/postgres/private_cluster.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/start_check.h"
#include "storage/postgres/url.h"
#include "tools/sluice/node/advice.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/http_limits.h"
#include "tools/sluice/node/key_answers.h"
#include "tools/sluice/node/last_call.h"
#include "tools/sluice/node/listen.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/log_backup.h"
#include "tools/sluice/node/new_versions.h"
#include "tools/sluice/node/preview_answers.h"
#include "tools/sluice/node/process_beat.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/node/refusing_writer.h"
#include "tools/sluice/node/requests.h"
#include "tools/sluice/node/streams.h"
#include "tools/sluice/node/taking.h"
#include "tools/sluice/node/vitals.h"
#include "tools/sluice/node/workers.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDrain{5'000};
constexpr milliseconds kBetweenTries{500};
// After the private Postgres.
constexpr milliseconds kBetweenLooks{500};
// For the partitions of a start, and where all that are not taken say why.
constexpr milliseconds kToTake{30'000};
constexpr milliseconds kToTakeTroubled{5'000};
constexpr milliseconds kBetweenQuestions{100};

}  // namespace

// In the order of starting; destroyed in the reverse.
struct Node::Parts {
  explicit Parts(const NodeConfig& config)
      : snapshot_folder(checked_folder(config.snapshots, config.data)),
        folder(config.data),
        domains(choose_domains(config.domains)),
        projections(projections_of(domains)) {}

  const std::filesystem::path snapshot_folder;  // empty: none
  DataFolder folder;
  std::vector<Domain> domains;
  std::vector<Projection> projections;
  // Before all threads that use it.
  Mutex mutex;
  ConditionVariable changed;
  // What a start waits for; nullopt: all that follows is there.
  std::optional<std::string> waits_for SLUICE_GUARDED_BY(mutex) = "it is starting";
  // Of the workers, whose thread says when it has ended.
  bool ended SLUICE_GUARDED_BY(mutex) = false;
  std::exception_ptr failure SLUICE_GUARDED_BY(mutex);
  std::string database_trouble SLUICE_GUARDED_BY(mutex);

  std::unique_ptr<PrivateCluster> cluster;
  std::string postgres;
  std::unique_ptr<Log> log;
  std::unique_ptr<Streams> streams;
  std::unique_ptr<EventWriter> writer;
  std::unique_ptr<EventWriter> quick_writer;  // null: the other does
  prometheus::Registry metrics;
  std::stop_source gives_up;  // the last flushes
  SnapshotTrouble snapshot_trouble;
  std::unique_ptr<Workers> workers;
  std::unique_ptr<Vitals> vitals;
  std::jthread working;  // its end asks the workers to end, and waits for them
  std::unique_ptr<RequestThread> requests;
  std::unique_ptr<SnapshotKeeper> snapshots;  // null: none are made but when asked for
  std::unique_ptr<SelfAudit> audit;           // null: rows are not audited
  std::vector<PublishedSchema> schemas;
  std::unique_ptr<NewVersions> new_versions;  // of these
  std::unique_ptr<ProcessBeat> beat;
  std::unique_ptr<Ingest> ingest;
  NodeAddresses addresses;
  std::string begun;  // by the database's clock

  // Does `work` as soon as what it needs is there, however long that takes; gives up when stopped.
  template <class Work>
  void patiently(const std::stop_token& stop, Work work);
  // A view that lost its tables stands still and says so until somebody mends it, and one of
  // another version until a generation of this one is there; the rest goes on.
  void apply_or_tell(const PublishedSchema& schema, NewVersionRule rule,
                     const std::stop_token& stop);
  [[nodiscard]] std::optional<std::string> starting() {
    const MutexLock lock(mutex);
    return waits_for;
  }
  void started() {
    const MutexLock lock(mutex);
    waits_for.reset();
  }
  void serve(IngestConfig config);
  void start_workers(const NodeConfig& config, const MemoryBudget& memory, int projectors);
  void work(const std::stop_token& stop);
  // Starts the private Postgres again where it has ended. Never throws: what is in the way is told,
  // and tried again.
  void keep_database();
  [[nodiscard]] std::vector<std::string> troubles();
  // What readiness says beside "ready".
  [[nodiscard]] std::string with_left_alone(std::string advice);
  // Returns early when stopped or when the workers have ended; false then.
  bool pause(milliseconds length, const std::stop_token& stop);
};

template <class Work>
void Node::Parts::patiently(const std::stop_token& stop, Work work) {
  for (;;) {
    try {
      return work();
    } catch (const Retryable& failure) {
      if (stop.stop_requested()) throw;
      const MutexLock lock(mutex);
      if (waits_for != failure.what()) spdlog::warn("waiting error=\"{}\"", failure.what());
      waits_for = failure.what();
    }
    pause(kBetweenTries, stop);
  }
}

void Node::Parts::apply_or_tell(const PublishedSchema& schema, NewVersionRule rule,
                                const std::stop_token& stop) {
  try {
    patiently(stop, [&] {
      const auto stand = stand_of_version(postgres, schema, rule == NewVersionRule::rebuild);
      if (stand.is == VersionStand::Is::awaited) return;
      apply_schema(postgres, {&schema, 1}, Apply::what_changed);
    });
  } catch (const Corrupt& failure) {
    spdlog::error("domain stands still projection={} error=\"{}\"", schema.domain, failure.what());
  }
}

// From the beginning on, with what is waited for. Posts are refused until it is known that the log
// is the one that the views stand on; afterwards they need no database.
void Node::Parts::serve(IngestConfig config) {
  LogWatch& watch = streams->watch();
  writer = refuse_lost_tails(log->writer(), watch);
  quick_writer = log->quick_writer();
  if (quick_writer) quick_writer = refuse_lost_tails(std::move(quick_writer), watch);
  ingest = std::make_unique<Ingest>(
      sluice::domains(), config,
      IngestParts{.writer = quick_writer ? *quick_writer : *writer,
                  .metrics = metrics,
                  .unready =
                      [this, &watch] {
                        if (auto why = starting()) return std::vector<std::string>{*std::move(why)};
                        return joined(watch.troubles(), troubles());
                      },
                  .clock = [this] { return log->now(); },
                  .add_metrics =
                      [this](MetricFamilies& families) {
                        add_build_info(families);
                        if (starting()) return;
                        vitals->add_metrics(families);
                        if (audit) audit->add_metrics(families);
                      },
                  .advice = [this] { return with_left_alone(log->advice()); },
                  .patient_writer = quick_writer ? writer.get() : nullptr,
                  .refuses =
                      [this, &watch](std::string_view domain) {
                        auto why = starting();
                        return why ? why : watch.refuses(domain);
                      },
                  .log = appended_log(watch)});
  ingest->start();
}

void Node::Parts::start_workers(const NodeConfig& config, const MemoryBudget& memory,
                                int projectors) {
  LogWatch& watch = streams->watch();
  workers = std::make_unique<Workers>(
      projections,
      WorkersConfig{
          .data = folder.path(),
          .instance = folder.instance(),
          .workers = config.workers,
          .partitions = projectors,
          .snapshots = snapshot_folder,
          .memory = memory,
          .flush_interval = config.flush_interval,
          .math_interval_min = config.math_interval_min,
          .key_index = !config.no_key_index,
          .parked_limit = config.parked_limit,
          .wrong_log = [&watch](std::string_view domain) { return watch.wrong_log(domain); }},
      *log,
      [url = postgres, gives_up = gives_up.get_token()](
          const Projection& projection, int generation, const std::string& session) {
        return open_view(url, projection.name, generation, session, gives_up);
      },
      std::make_unique<PostgresMonitor>(postgres));
  new_versions = std::make_unique<NewVersions>(postgres, schemas, config.new_versions);
  vitals = std::make_unique<Vitals>(
      VitalsConfig{.memory = config.memory,
                   .http_bytes = [this] { return std::uint64_t{ingest->memory_bytes()}; },
                   .data = folder.path(),
                   .folder = folder.instance(),
                   .command = "up",
                   .brokers = config.brokers,
                   .rules = rules_of(projections),
                   .waits = [this] { return new_versions->waits(); },
                   .snapshots = [this] { return snapshot_trouble.text(); },
                   .empty_streams = [&watch] { return watch.empty_streams(); }},
      *workers, *log);
  beat = std::make_unique<ProcessBeat>(postgres, identity_of(*workers), *vitals);
  OwnerKinds kinds = snapshot_kinds(*workers, folder.path());
  add_key_kinds(kinds, *workers, *log);
  add_preview_kind(kinds, postgres, *log);
  if (config.brokers.empty()) {
    kinds.of_process.emplace("log.backup", backup_answer(*log, folder.path()));
  }
  requests =
      std::make_unique<RequestThread>(postgres, projections, *log, *workers, std::move(kinds));
  if (config.snapshots.every.count() > 0) {
    snapshots = std::make_unique<SnapshotKeeper>(*workers, snapshot_trouble, snapshot_folder,
                                                 config.snapshots.every);
  }
  if (config.audit > 0) {
    audit = std::make_unique<SelfAudit>(
        SelfAudit::Config{.postgres = postgres, .share = config.audit, .data = folder.path()},
        *workers, projections, *log);
  }
}

void Node::Parts::work(const std::stop_token& stop) {
  std::exception_ptr thrown;
  try {
    workers->run(stop);
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  const MutexLock lock(mutex);
  failure = thrown;
  ended = true;
  changed.notify_all();
}

void Node::Parts::keep_database() {
  if (!cluster) return;
  std::string trouble;
  try {
    const pid_t before = cluster->pid();
    cluster->keep_running();
    // A pause before the next try: what was told last holds.
    if (cluster->pid() < 0 && before < 0) return;
    if (cluster->pid() < 0) trouble = "the private Postgres has ended and is started again";
  } catch (const std::exception& failure) {
    trouble = std::string("the private Postgres cannot be started again: ") + failure.what();
  }
  const MutexLock lock(mutex);
  if (!trouble.empty() && trouble != database_trouble) spdlog::error("{}", trouble);
  database_trouble = trouble;
}

std::vector<std::string> Node::Parts::troubles() {
  std::vector<std::string> all = joined(workers->troubles(), new_versions->troubles());
  if (std::string why = log->trouble(); !why.empty()) all.push_back(std::move(why));
  const MutexLock lock(mutex);
  if (!database_trouble.empty()) all.push_back(database_trouble);
  return all;
}

std::string Node::Parts::with_left_alone(std::string advice) {
  if (starting()) return advice;
  const std::string more =
      advice_of({.workers = workers.get(), .snapshots = snapshots.get(), .audit = audit.get()});
  return advice + (advice.empty() || more.empty() ? "" : "\n") + more;
}

bool Node::Parts::pause(milliseconds length, const std::stop_token& stop) {
  MutexLock lock(mutex);
  const auto over = [this]() SLUICE_REQUIRES(mutex) { return ended; };
  changed.wait_for(lock, stop, length, over);
  return !ended && !stop.stop_requested();
}

Node::Node(const NodeConfig& config, const std::stop_token& stop)
    : parts_(std::make_unique<Parts>(config)) {
  Parts& parts = *parts_;
  const int projectors =
      config.partitions * static_cast<int>(std::max<std::size_t>(parts.projections.size(), 1));
  const MemoryBudget memory =
      divide_memory(config.memory, {.ingest = true, .projectors = projectors});
  parts.schemas = schemas_of(parts.domains, config.partitions, config.dedupe_horizon,
                             config.quarantine_retention, !config.no_key_index);
  if (config.postgres.empty()) {
    parts.cluster = std::make_unique<PrivateCluster>(parts.folder.path() / "postgres");
    spdlog::info("postgres started pid={}", parts.cluster->pid());
  }
  parts.postgres = parts.cluster ? parts.cluster->url() : config.postgres;
  parts.log = config.brokers.empty() ? own_embedded_log(parts.folder.path(), memory.log)
                                     : kafka_log(config.brokers, config.kafka, memory.log);
  IngestConfig ingest;
  ingest.address = config.address;
  ingest.port = config.port;
  ingest.threads = config.http_threads;
  ingest.http = http_limits(config.memory, memory.ingest);
  ingest.appender.waiting_bytes = ingest.http.memory;
  for (const Domain& domain : parts.domains) {
    ingest.partitions.emplace(domain.name, config.partitions);
  }
  parts.streams = std::make_unique<Streams>(*parts.log, parts.postgres, ingest.partitions);
  parts.serve(ingest);
  if (!parts.cluster) {
    const int workers = config.workers * static_cast<int>(parts.projections.size());
    const DatabaseUse use{.sessions = workers + kSessionsBesideWorkers, .schemas = parts.schemas};
    parts.patiently(stop, [&] { check_database(config.postgres, use); });
  }
  LogWatch& watch = parts.streams->watch();
  parts.patiently(stop, [&] {
    watch.start();
    parts.streams->make_missing(parts.domains, config.partitions);
  });
  for (const PublishedSchema& schema : parts.schemas) {
    parts.apply_or_tell(schema, config.new_versions, stop);
  }
  watch.look_again();
  parts.streams->begin();
  parts.start_workers(config, memory, projectors);
  parts.patiently(stop, [&] {
    parts.begun = PgConnection(parts.postgres).run("SELECT clock_timestamp()").text(0, 0);
    parts.addresses = {http_url({config.address, parts.ingest->port()}), parts.postgres,
                       parts.cluster ? parts.cluster->reader_url() : reader_url(parts.postgres)};
  });
  parts.started();
  parts.working = std::jthread([&parts](const std::stop_token& end) { parts.work(end); });
}

Node::~Node() = default;

const NodeAddresses& Node::addresses() const { return parts_->addresses; }

std::vector<std::string> Node::wait_until_taken(const std::stop_token& stop) {
  Parts& parts = *parts_;
  const auto begun = std::chrono::steady_clock::now();
  PgConnection asked(parts.postgres);
  std::vector<std::string> missing;
  for (;;) {
    const auto waited = std::chrono::steady_clock::now() - begun;
    bool all_told = true;
    try {
      NotTaken found = not_taken(asked, parts.projections, parts.begun);
      missing = std::move(found.partitions);
      all_told = found.all_told;
    } catch (const Error& failure) {
      missing = {failure.what()};
    }
    if (missing.empty() || waited > kToTake || (all_told && waited > kToTakeTroubled))
      return missing;
    parts.keep_database();
    if (!parts.pause(kBetweenQuestions, stop)) return missing;
  }
}

void Node::run(const std::stop_token& stop) {
  Parts& parts = *parts_;
  while (parts.pause(kBetweenLooks, stop)) parts.keep_database();
  spdlog::info("stopping");
  std::optional<LastCall> last(std::in_place, parts.gives_up);
  end_readers_with_process();
  // Posts first, so that nothing comes in that is not folded; the database last.
  parts.ingest->drain(kDrain);
  parts.working.request_stop();
  parts.requests.reset();
  parts.snapshots.reset();
  parts.audit.reset();
  parts.new_versions->stop();
  parts.working.join();
  last.reset();
  parts.beat.reset();
  if (parts.cluster) parts.cluster->stop();
  spdlog::info("stopped");
  const MutexLock lock(parts.mutex);
  if (parts.failure) std::rethrow_exception(parts.failure);
}

}  // namespace sluice
