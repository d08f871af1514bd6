#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "ingest/ingest.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/base/mutex.h"
#include "storage/postgres/postgres_monitor.h"
#include "storage/postgres/start_check.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/advice.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/key_answers.h"
#include "tools/sluice/node/last_call.h"
#include "tools/sluice/node/listen.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/preview_answers.h"
#include "tools/sluice/node/process_beat.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/node/requests.h"
#include "tools/sluice/node/self_audit.h"
#include "tools/sluice/node/snapshot_keeper.h"
#include "tools/sluice/node/streams.h"
#include "tools/sluice/node/vitals.h"
#include "tools/sluice/node/workers.h"

namespace sluice {
namespace {

struct Options {
  std::string data;
  std::string brokers;
  std::vector<std::string> kafka;
  std::string postgres;
  std::string listen = "127.0.0.1:8081";
  std::vector<std::string> domains;
  std::uint64_t memory = std::uint64_t{512} << 20;
  std::int64_t workers = 0;
  std::chrono::milliseconds flush_interval{250};
  std::chrono::milliseconds math_interval_min{1000};
  std::int64_t parked_limit = kParkedLimit;
  bool no_key_index = false;
  SnapshotOptions snapshots;
  double audit = kAuditShare;
};

// A process that projects takes no posts: its HTTP is for health and metrics.
class NoLog final : public EventWriter {
 public:
  std::size_t largest_record(std::string_view) override { return kNoRecordLimit; }

 protected:
  void write(std::string_view, std::span<NewRecord>, Gaps) override {
    throw Retryable("this process takes no events");
  }
};

constexpr std::chrono::milliseconds kBetweenTries{500};

// Why this process does not project, and its metrics, before there are workers and after. Any
// thread.
class Readiness {
 public:
  void waits(std::string why) {
    const MutexLock lock(mutex_);
    why_ = std::move(why);
  }
  // All outlive this.
  void works(const Workers& workers, Vitals& vitals, const LogWatch& watch) {
    const MutexLock lock(mutex_);
    workers_ = &workers;
    vitals_ = &vitals;
    watch_ = &watch;
  }
  [[nodiscard]] std::vector<std::string> troubles() {
    const MutexLock lock(mutex_);
    return workers_ ? joined(watch_->troubles(), workers_->troubles())
                    : std::vector<std::string>{why_};
  }
  // Null from their ends on.
  void audits(const SelfAudit* audit) {
    const MutexLock lock(mutex_);
    audit_ = audit;
  }
  void keeps(const SnapshotKeeper* keeper) {
    const MutexLock lock(mutex_);
    keeper_ = keeper;
  }
  void add_metrics(MetricFamilies& families) {
    add_build_info(families);
    const MutexLock lock(mutex_);
    if (vitals_) vitals_->add_metrics(families);
    if (audit_) audit_->add_metrics(families);
  }
  // What /readyz says beside "ready".
  [[nodiscard]] std::string advice() {
    const MutexLock lock(mutex_);
    return advice_of({.workers = workers_, .snapshots = keeper_, .audit = audit_});
  }

 private:
  Mutex mutex_;
  std::string why_ SLUICE_GUARDED_BY(mutex_) = "it is starting";
  const Workers* workers_ SLUICE_GUARDED_BY(mutex_) = nullptr;
  Vitals* vitals_ SLUICE_GUARDED_BY(mutex_) = nullptr;
  const LogWatch* watch_ SLUICE_GUARDED_BY(mutex_) = nullptr;
  const SelfAudit* audit_ SLUICE_GUARDED_BY(mutex_) = nullptr;
  const SnapshotKeeper* keeper_ SLUICE_GUARDED_BY(mutex_) = nullptr;
};

int workers_of(const Options& options) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return options.workers == 0 ? cores : static_cast<int>(options.workers);
}

// Does `work` as soon as what it needs is there, however long that takes. False: told to end
// meanwhile.
template <class Work>
bool await(const char* what, const std::stop_token& stop, Readiness& readiness, Work work) {
  std::string said;
  while (!stop.stop_requested()) {
    try {
      work();
      return true;
    } catch (const Retryable& failure) {
      readiness.waits(failure.what());
      if (std::exchange(said, failure.what()) != failure.what()) {
        spdlog::warn("waiting for the {} error=\"{}\"", what, said);
      }
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  return false;
}

// How many partitions all projections have together.
int checked_partitions(const Options& options, std::span<const Domain> domains) {
  const std::vector<Projection> projections = projections_of(domains);
  check_database(options.postgres,
                 {.sessions = kSessionsBesideWorkers +
                              workers_of(options) * static_cast<int>(projections.size()),
                  .makes_tables = false,
                  .schemas = schemas_of(domains, 1, {}, {})});
  int partitions = 0;
  for (const Projection& projection : projections) {
    partitions += live_generation(options.postgres, projection.name).partitions;
  }
  return std::max(1, partitions);
}

IngestConfig health_config(const ListenAddress& listen) {
  IngestConfig config;
  config.address = listen.host;
  config.port = listen.port;
  config.threads = 1;
  // No posts: what is asked here has no body to speak of, and no share of --memory.
  config.http.max_body = std::size_t{64} << 10;
  config.http.memory = std::size_t{4} << 20;
  return config;
}

Exit project(const Options& options) {
  const Shutdown shutdown;
  const ListenAddress listen = parse_listen(options.listen);
  warn_of_strangers(listen);
  const std::filesystem::path snapshots = checked_folder(options.snapshots, options.data);
  const DataFolder folder(options.data);
  const std::vector<Domain> chosen = choose_domains(options.domains);
  NoLog no_log;
  prometheus::Registry metrics;
  Readiness readiness;
  std::unique_ptr<Log> log;
  std::unique_ptr<Streams> streams;
  std::stop_source gives_up;  // the last flushes
  SnapshotTrouble snapshot_trouble;
  std::optional<Workers> workers;
  std::optional<Vitals> vitals;
  // Answers from the beginning on, with what is waited for.
  Ingest health(chosen, health_config(listen),
                {.writer = no_log,
                 .metrics = metrics,
                 .unready = [&] { return readiness.troubles(); },
                 .add_metrics = [&](MetricFamilies& all) { readiness.add_metrics(all); },
                 .advice = [&] { return readiness.advice(); }});
  health.start();
  int partitions = 0;
  const auto read_partitions = [&] { partitions = checked_partitions(options, chosen); };
  if (!await("database", shutdown.token(), readiness, read_partitions)) return Exit::done;
  const MemoryBudget memory = divide_memory(options.memory, {.projectors = partitions});
  log = kafka_log(options.brokers, options.kafka, memory.log);
  std::map<std::string, int, std::less<>> by_domain;
  for (const Projection& projection : projections_of(chosen)) by_domain.emplace(projection.name, 0);
  streams = std::make_unique<Streams>(*log, options.postgres, by_domain);
  LogWatch& watch = streams->watch();
  if (!await("log", shutdown.token(), readiness, [&] { watch.start(); })) return Exit::done;
  streams->begin();
  workers.emplace(
      projections_of(chosen),
      WorkersConfig{
          .data = folder.path(),
          .instance = folder.instance(),
          .workers = workers_of(options),
          .partitions = partitions,
          .snapshots = snapshots,
          .memory = memory,
          .flush_interval = options.flush_interval,
          .math_interval_min = options.math_interval_min,
          .key_index = !options.no_key_index,
          .parked_limit = options.parked_limit,
          .wrong_log = [&watch](std::string_view domain) { return watch.wrong_log(domain); }},
      *log,
      [url = options.postgres, token = gives_up.get_token()](
          const Projection& projection, int generation, const std::string& session) {
        return open_view(url, projection.name, generation, session, token);
      },
      std::make_unique<PostgresMonitor>(options.postgres));
  vitals.emplace(
      VitalsConfig{.memory = options.memory,
                   .http_bytes = [&health] { return std::uint64_t{health.memory_bytes()}; },
                   .data = folder.path(),
                   .folder = folder.instance(),
                   .command = "project",
                   .brokers = options.brokers,
                   .rules = rules_of(projections_of(chosen)),
                   .snapshots = [&snapshot_trouble] { return snapshot_trouble.text(); },
                   .empty_streams = [&watch] { return watch.empty_streams(); }},
      *workers, *log);
  readiness.works(*workers, *vitals, watch);
  print_line("{\"ready\":true,\"http\":" + json_string(http_url({listen.host, health.port()})) +
             "}");
  const ProcessBeat beat(options.postgres, identity_of(*workers), *vitals);
  OwnerKinds kinds = snapshot_kinds(*workers, folder.path());
  add_key_kinds(kinds, *workers, *log);
  add_preview_kind(kinds, options.postgres, *log);
  const RequestThread requests(options.postgres, projections_of(chosen), *log, *workers,
                               std::move(kinds));
  std::optional<SnapshotKeeper> keeper;
  if (options.snapshots.every.count() > 0) {
    keeper.emplace(*workers, snapshot_trouble, snapshots, options.snapshots.every);
    readiness.keeps(&*keeper);
  }
  std::optional<SelfAudit> audit;
  if (options.audit > 0) {
    audit.emplace(
        SelfAudit::Config{
            .postgres = options.postgres, .share = options.audit, .data = folder.path()},
        *workers, projections_of(chosen), *log);
    readiness.audits(&*audit);
  }
  std::optional<LastCall> last;
  const std::stop_callback says(shutdown.token(), [&last, &gives_up] {
    spdlog::info("stopping");
    last.emplace(gives_up);
    end_readers_with_process();
  });
  workers->run(shutdown.token());
  readiness.audits(nullptr);
  readiness.keeps(nullptr);
  spdlog::info("stopped");
  return Exit::done;
}

}  // namespace

void add_project(Command& root) {
  auto options = std::make_shared<Options>();
  Command command =
      root.command("project", "Fold Kafka's events and flush the rows that changed to Postgres",
                   "sluice project --data DIR --brokers kafka1:9092 --postgres postgresql://...");
  command.text("data", options->data, "Folder of the state; made when it is not there").required();
  command.text("brokers", options->brokers, "Kafka's host:port,...").required();
  command.list("kafka", options->kafka, "Properties of librdkafka, name=value");
  add_postgres_option(command, options->postgres);
  command.text("listen", options->listen, "Where health and metrics are; port 0 takes a free one");
  command.list("domains", options->domains, "Only these domains; all when not given");
  command.bytes("memory", options->memory, kLeastMemory,
                "For caches, memtables, queues and dirty rows together");
  command.number("workers", options->workers, 0, 256,
                 "Threads that project each domain; 0: one a core");
  command.duration("flush-interval", options->flush_interval, std::chrono::milliseconds(1),
                   "How often rows go to Postgres");
  command.duration("math-min-interval", options->math_interval_min, std::chrono::milliseconds(1),
                   "From one computation of a conversation's opinion groups to the next, at least");
  command.number("parked-limit", options->parked_limit, 1, kParkedLimitMost, kParkedLimitHelp);
  command.flag("no-key-index", options->no_key_index,
               "Keep no index of which records concern a key in state that begins now: sluice "
               "replay then reads the whole partition");
  add_snapshot_options(command, options->snapshots);
  add_audit_option(command, options->audit);
  command.runs([options](const OutputForm&) { return project(*options); });
}

}  // namespace sluice
