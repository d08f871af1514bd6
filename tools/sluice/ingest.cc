#include "ingest/ingest.h"

#include <prometheus/registry.h>

#include <utility>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/http_limits.h"
#include "tools/sluice/node/listen.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/refusing_writer.h"
#include "tools/sluice/node/streams.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kDrain{5'000};

struct Options {
  std::string listen = "127.0.0.1:8080";
  std::string brokers;
  std::vector<std::string> kafka;
  std::vector<std::string> domains;
  std::uint64_t memory = std::uint64_t{256} << 20;
  std::int64_t http_threads = 2;
  std::int64_t partitions = 4;
};

// As `sluice up` says it: it serves, and domains whose events it takes not are in not_taken.
std::string ready_line(const std::string& url, LogWatch& watch, const IngestConfig& config) {
  JsonWriter json;
  json.begin_object().field("ready", true).field("http", url);
  bool all = true;
  for (const auto& each : config.partitions) {
    const auto why = watch.refuses(each.first);
    if (!why) continue;
    if (std::exchange(all, false)) json.name("not_taken").begin_array();
    json.text(each.first + ": " + *why);
  }
  if (!all) json.end_array();
  return json.end_object().take();
}

Exit ingest(const Options& options) {
  const Shutdown shutdown;
  const ListenAddress listen = parse_listen(options.listen);
  warn_of_strangers(listen);
  const MemoryBudget memory = divide_memory(options.memory, {.ingest = true});
  const auto log = kafka_log(options.brokers, options.kafka, memory.log);
  const auto topology = log->topology();
  IngestConfig config;
  config.address = listen.host;
  config.port = listen.port;
  config.threads = static_cast<int>(options.http_threads);
  config.http = http_limits(options.memory, memory.ingest);
  config.appender.waiting_bytes = config.http.memory;
  for (const Domain& domain : choose_domains(options.domains)) {
    if (!topology->partitions(stream_of(domain.name))) {
      throw Misconfigured("there is no topic " + stream_of(domain.name) +
                          ": run sluice topics apply --brokers " + options.brokers);
    }
    config.partitions.emplace(domain.name, static_cast<int>(options.partitions));
  }
  Streams streams(*log, {}, config.partitions);
  LogWatch& watch = streams.watch();
  watch.start();
  streams.begin();
  const auto writer = refuse_lost_tails(log->quick_writer(), watch);
  const auto patient_writer = refuse_lost_tails(log->writer(), watch);
  prometheus::Registry metrics;
  Ingest service(domains(), config,
                 {.writer = *writer,
                  .metrics = metrics,
                  .unready = [&watch] { return watch.troubles(); },
                  .patient_writer = patient_writer.get(),
                  .refuses = [&watch](std::string_view domain) { return watch.refuses(domain); },
                  .log = appended_log(watch)});
  service.start();
  print_line(ready_line(http_url({listen.host, service.port()}), watch, config));
  shutdown.wait();
  service.drain(kDrain);
  return Exit::done;
}

}  // namespace

void add_ingest(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command("ingest",
                                 "Take events by HTTP and append them to Kafka. Prints one line "
                                 "when it is ready; not_taken in it are domains whose events it "
                                 "refuses, and why.",
                                 "sluice ingest --brokers kafka1:9092 --listen 0.0.0.0:8080");
  command.text("brokers", options->brokers, "Kafka's host:port,...").required();
  command.list("kafka", options->kafka, "Properties of librdkafka, name=value");
  command.text("listen", options->listen, "Where to listen; port 0 takes a free one");
  command.list("domains", options->domains, "Only these domains; all when not given");
  command.number("partitions", options->partitions, 1, 10'000,
                 "That the views of these domains were made with: a topic that has others takes no "
                 "events");
  command.bytes("memory", options->memory, kLeastMemory, "For bodies and batches that wait");
  command.number("http-threads", options->http_threads, 1, 256, "Threads that serve HTTP");
  command.runs([options](const OutputForm&) { return ingest(*options); });
}

}  // namespace sluice
