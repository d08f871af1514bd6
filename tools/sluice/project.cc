#include <prometheus/registry.h>

#include <algorithm>
#include <thread>

#include "ingest/ingest.h"
#include "storage/base/errors.h"
#include "tools/sluice/cli/json.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/computation_metrics.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/listen.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/published.h"
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

Exit project(const Options& options) {
  const Shutdown shutdown;
  const ListenAddress listen = parse_listen(options.listen);
  warn_of_strangers(listen);
  const DataFolder folder(options.data);
  const std::vector<Domain> chosen = choose_domains(options.domains);
  const std::vector<Projection> projections = projections_of(chosen);
  int partitions = 0;
  for (const Projection& projection : projections) {
    partitions += open_sink(options.postgres, projection.name)->generation().partitions;
  }
  const MemoryBudget memory =
      divide_memory(options.memory, {.projectors = std::max(1, partitions)});
  const auto log = kafka_log(options.brokers, options.kafka, memory.log);
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  Workers workers(projections,
                  {.data = folder.path(),
                   .instance = folder.instance(),
                   .workers = options.workers == 0 ? cores : static_cast<int>(options.workers),
                   .partitions = std::max(1, partitions),
                   .memory = memory,
                   .flush_interval = options.flush_interval,
                   .math_interval_min = options.math_interval_min},
                  *log, [url = options.postgres](const Projection& projection) {
                    return open_sink(url, projection.name);
                  });
  NoLog no_log;
  prometheus::Registry metrics;
  IngestConfig config;
  config.address = listen.host;
  config.port = listen.port;
  config.threads = 1;
  // No posts: what is asked here has no body to speak of, and no share of --memory.
  config.http.max_body = std::size_t{64} << 10;
  config.http.memory = std::size_t{4} << 20;
  ComputationMetrics computations(metrics, workers.computations());
  Ingest health(chosen, config,
                {.writer = no_log,
                 .metrics = metrics,
                 .unready = [&] { return workers.troubles(); },
                 .refresh_metrics = [&] { computations.refresh(); }});
  health.start();
  JsonWriter json;
  json.begin_object().field("ready", true).field("http", http_url({listen.host, health.port()}));
  print_line(json.end_object().take());
  workers.run(shutdown.token());
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
  command.runs([options](const OutputForm&) { return project(*options); });
}

}  // namespace sluice
