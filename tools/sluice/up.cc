#include <algorithm>
#include <thread>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/node/listen.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/node.h"

namespace sluice {
namespace {

struct Options {
  NodeConfig node;
  std::string listen = "127.0.0.1:8080";
  std::string log = "embedded";
  std::string rebuild = "auto";
  std::int64_t partitions = 4;
  std::int64_t workers = 0;
  std::int64_t http_threads = 2;
};

std::string json_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "[" : ",") + json_string(text);
  return list + "]";
}

Exit up(const Options& options) {
  NodeConfig config = options.node;
  const ListenAddress listen = parse_listen(options.listen);
  warn_of_strangers(listen);
  config.address = listen.host;
  config.port = listen.port;
  if ((options.log == "kafka") == config.brokers.empty()) {
    throw Misconfigured("--log kafka and --brokers HOST:PORT,... belong together");
  }
  config.new_versions = options.rebuild == "auto" ? NewVersionRule::rebuild : NewVersionRule::ask;
  config.partitions = static_cast<int>(options.partitions);
  config.http_threads = static_cast<int>(options.http_threads);
  // More workers than partitions would have nothing to do.
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  config.workers =
      std::min(options.workers == 0 ? cores : static_cast<int>(options.workers), config.partitions);

  const Shutdown shutdown;
  try {
    Node node(config, shutdown.token());
    const std::vector<std::string> not_taken = node.wait_until_taken(shutdown.token());
    print_line("{\"ready\":true,\"http\":" + json_string(node.addresses().http) +
               ",\"postgres\":" + json_string(node.addresses().postgres) +
               ",\"reader\":" + json_string(node.addresses().reader) +
               (not_taken.empty() ? "" : ",\"not_taken\":" + json_list(not_taken)) + "}");
    node.run(shutdown.token());
  } catch (const Retryable&) {
    // Told to end while it waited for a database or a broker.
    if (!shutdown.token().stop_requested()) throw;
  }
  return Exit::done;
}

}  // namespace

void add_up(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "up",
      "Run everything in one process: ingest, log, projectors and, unless --postgres names one, a "
      "private Postgres. Prints one line when it is ready. TERM or Ctrl-C: refuses new posts, "
      "flushes, ends; starting again goes on from there.",
      "sluice up --data /var/lib/sluice");
  NodeConfig& node = options->node;
  command.text("data", node.data, "Folder of all state; made when it is not there").required();
  command.text("listen", options->listen, "Where ingest listens; port 0 takes a free one");
  command.text("log", options->log, "Where events are kept").one_of({"embedded", "kafka"});
  command.text("brokers", node.brokers, "Kafka's host:port,...");
  command.list("kafka", node.kafka, "Properties of librdkafka, name=value");
  command
      .text("postgres", node.postgres,
            "URL of a Postgres to use instead of a private one; taken from here or from [up] in "
            "the TOML file, never from SLUICE_POSTGRES, which other commands heed")
      .own();
  command.list("domains", node.domains, "Only these domains; all when not given");
  command
      .text(
          "rebuild", options->rebuild,
          "With rules of a higher version than any before: auto builds a generation by them beside "
          "the view and promotes it when it is ready, once; ask waits for `sluice rebuild`")
      .one_of({"auto", "ask"});
  command.bytes("memory", node.memory, kLeastMemory,
                "For caches, memtables, queues and dirty rows together");
  command.number("partitions", options->partitions, 1, 1024,
                 "Of each domain's stream; fixed when it is made");
  command.number("workers", options->workers, 0, 256,
                 "Threads that project each domain; 0: one a core");
  command.number("http-threads", options->http_threads, 1, 256, "Threads that serve HTTP");
  command.duration("flush-interval", node.flush_interval, std::chrono::milliseconds(1),
                   "How often rows go to Postgres");
  command.duration("math-min-interval", node.math_interval_min, std::chrono::milliseconds(1),
                   "From one computation of a conversation's opinion groups to the next, at least");
  command.duration("dedupe-horizon", node.dedupe_horizon, std::chrono::seconds(1),
                   "How long an event's id is remembered; fixed when the view is made");
  command.duration("quarantine-retention", node.quarantine_retention, std::chrono::seconds(1),
                   "How long quarantine keeps bytes that no deletion of a user is sure to reach; "
                   "fixed when the view is made");
  command.number("parked-limit", node.parked_limit, 1, kParkedLimitMost, kParkedLimitHelp);
  command.flag("no-key-index", node.no_key_index,
               "Keep no index of which records concern a key (sluice replay then reads the whole "
               "partition): of a view that is made now, and of state that begins now");
  add_snapshot_options(command, node.snapshots);
  add_audit_option(command, node.audit);
  command.runs([options](const OutputForm&) { return up(*options); });
}

}  // namespace sluice
