#include <cstdio>

#include "storage/base/errors.h"
#include "tools/sluice/cli/json.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"

namespace sluice {
namespace {

struct Options {
  LogOptions log;
  std::vector<std::string> domains;
  std::int64_t partitions = 4;
};

Exit list(const Options& options, const OutputForm& output) {
  const auto log = look_at_log(options.log);
  const auto topology = log->topology();
  std::string json;
  for (const Domain& domain : choose_domains(options.domains)) {
    const std::string stream = stream_of(domain.name);
    const int partitions = topology->partitions(stream).value_or(0);
    if (!output.json && partitions == 0)
      std::printf("%s is not there: sluice topics apply makes it\n", stream.c_str());
    for (int p = 0; p < partitions; ++p) {
      const LogRange range = topology->range(stream, Partition{p});
      const auto begin = std::to_string(range.begin.value);
      const auto end = std::to_string(range.end.value);
      if (!output.json)
        std::printf("%-28s partition %3d  from %s to %s\n", stream.c_str(), p, begin.c_str(),
                    end.c_str());
      json += std::string(json.empty() ? "" : ",") + "{\"stream\":" + json_string(stream) +
              ",\"partition\":" + std::to_string(p) + ",\"begin\":" + begin + ",\"end\":" + end +
              "}";
    }
  }
  if (output.json) print_line("[" + json + "]");
  return Exit::done;
}

Exit apply(const Options& options) {
  if (options.log.brokers.empty())
    throw Misconfigured("give --brokers: `sluice up` makes the streams of its own log");
  const auto log = look_at_log(options.log);
  const auto topology = log->topology();
  std::string applied;
  for (const Domain& domain : choose_domains(options.domains)) {
    const std::string stream = stream_of(domain.name);
    topology->create(stream, static_cast<int>(options.partitions));
    applied += (applied.empty() ? "" : ",") + json_string(stream);
  }
  print_line("{\"applied\":[" + applied + "]}");
  return Exit::done;
}

}  // namespace

void add_topics(Command& root) {
  auto options = std::make_shared<Options>();
  Command topics = root.command("topics", "The streams of the log, one a domain",
                                "sluice topics list --brokers localhost:9092");
  for (const bool makes : {false, true}) {
    Command command =
        makes ? topics.command("apply", "Make the topics that are missing",
                               "sluice topics apply --brokers localhost:9092 --partitions 12")
              : topics.command("list", "What there is, and from where to where",
                               "sluice topics list --data DIR");
    add_log_options(command, options->log);
    command.list("domains", options->domains, "Of these domains; all when not given");
    if (makes)
      command.number("partitions", options->partitions, 1, 10'000,
                     "Of each topic; cannot be changed later");
    command.runs([options, makes](const OutputForm& output) {
      return makes ? apply(*options) : list(*options, output);
    });
  }
}

}  // namespace sluice
