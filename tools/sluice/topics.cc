#include <cstdio>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
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
  bool dry_run = false;
};

// None of a log that has no settings.
std::vector<SettingFault> faults_of(StreamSettings* settings, const std::string& stream) {
  return settings == nullptr ? std::vector<SettingFault>() : settings->faults(stream);
}

std::string json_of(const SettingFault& fault) {
  return "{\"setting\":" + json_string(fault.setting) + ",\"value\":" + json_string(fault.value) +
         ",\"wanted\":" + (fault.wanted.empty() ? "null" : json_string(fault.wanted)) +
         ",\"why\":" + json_string(fault.why) + "}";
}

std::string json_of(const std::vector<SettingFault>& faults) {
  std::string json;
  for (const SettingFault& fault : faults) json += (json.empty() ? "" : ",") + json_of(fault);
  return "[" + json + "]";
}

// A stream's partitions, and what its settings put at risk.
std::string list_stream(LogTopology& topology, StreamSettings* settings, const std::string& stream,
                        const OutputForm& output) {
  std::string json;
  const int partitions = topology.partitions(stream).value_or(0);
  if (!output.json && partitions == 0) {
    std::printf("%s is not there: sluice topics apply makes it\n", stream.c_str());
  }
  const auto faults = partitions == 0 ? std::vector<SettingFault>() : faults_of(settings, stream);
  for (int p = 0; p < partitions; ++p) {
    const LogRange range = topology.range(stream, Partition{p});
    const auto identity = topology.identity(stream, Partition{p});
    const std::string log(identity ? identity->short_form() : "");
    const auto begin = std::to_string(range.begin.value);
    const auto end = std::to_string(range.end.value);
    if (!output.json) {
      std::printf("%-28s partition %3d  log %-6s  from %s to %s\n", stream.c_str(), p,
                  log.empty() ? "-" : log.c_str(), begin.c_str(), end.c_str());
    }
    json += std::string(json.empty() ? "" : ",") + "{\"stream\":" + json_string(stream) +
            ",\"partition\":" + std::to_string(p) +
            ",\"log\":" + (log.empty() ? "null" : json_string(log)) + ",\"begin\":" + begin +
            ",\"end\":" + end + ",\"faults\":" + json_of(faults) + "}";
  }
  for (const SettingFault& fault : faults) {
    if (!output.json) std::printf("%-28s %s\n", stream.c_str(), describe(fault).c_str());
  }
  return json;
}

Exit list(const Options& options, const OutputForm& output) {
  const auto log = look_at_log(options.log);
  const auto topology = log->topology();
  const auto settings = log->settings();
  std::string json;
  for (const Domain& domain : choose_domains(options.domains)) {
    const std::string listed =
        list_stream(*topology, settings.get(), stream_of(domain.name), output);
    if (!listed.empty()) json += (json.empty() ? "" : ",") + listed;
  }
  if (output.json) print_line("[" + json + "]");
  return Exit::done;
}

// Says on stderr what is changed, and what a person must decide.
void say(const std::string& stream, const std::vector<SettingFault>& faults, bool dry_run) {
  for (const SettingFault& fault : faults) {
    const std::string how = fault.wanted.empty()
                                ? "; not changed by this command"
                                : (dry_run ? "; would be set to " : "; set to ") + fault.wanted;
    std::fputs((stream + ": " + describe(fault) + how + "\n").c_str(), stderr);
  }
}

Exit apply(const Options& options) {
  if (options.log.brokers.empty())
    throw Misconfigured("give --brokers: `sluice up` makes the streams of its own log");
  const auto log = look_at_log(options.log);
  const auto topology = log->topology();
  const auto settings = log->settings();
  const int partitions = static_cast<int>(options.partitions);
  std::string applied;
  std::string made;
  std::string faulty;
  std::string refused;
  std::vector<std::string> refusals;
  bool other_number = false;
  for (const Domain& domain : choose_domains(options.domains)) {
    const std::string stream = stream_of(domain.name);
    const bool there = topology->partitions(stream).has_value();
    try {
      // Where it is there, this says whether it has as many.
      if (there || !options.dry_run) topology->create(stream, partitions);
    } catch (const Misconfigured& refusal) {
      // Of this one: the others can be made.
      refusals.emplace_back(refusal.what());
      other_number = other_number || there;
      refused +=
          (refused.empty() ? "" : ",") + json_string(stream) + ":" + json_string(refusal.what());
      continue;
    }
    if (!there) made += (made.empty() ? "" : ",") + json_string(stream);
    applied += (applied.empty() ? "" : ",") + json_string(stream);
    if (!there) continue;
    const auto faults = faults_of(settings.get(), stream);
    if (faults.empty()) continue;
    say(stream, faults, options.dry_run);
    if (!options.dry_run) settings->mend(stream, faults);
    faulty += (faulty.empty() ? "" : ",") + json_string(stream) + ":" + json_of(faults);
  }
  if (applied.empty() && !refusals.empty() && !other_number) throw Misconfigured(refusals.front());
  for (const std::string& each : refusals) {
    std::fputs(("sluice topics apply: " + each + "\n").c_str(), stderr);
  }
  const std::string begin = options.dry_run ? "{\"would_apply\":[" : "{\"applied\":[";
  print_line(begin + applied + (options.dry_run ? "],\"would_make\":[" : "],\"made\":[") + made +
             (options.dry_run ? "],\"would_change\":{" : "],\"changed\":{") + faulty + "}" +
             (refused.empty() ? "" : ",\"refused\":{" + refused + "}") + "}");
  return refused.empty() ? Exit::done : Exit::found;
}

}  // namespace

void add_topics(Command& root) {
  auto options = std::make_shared<Options>();
  Command topics = root.command("topics", "The streams of the log, one a domain",
                                "sluice topics list --brokers localhost:9092");
  for (const bool makes : {false, true}) {
    Command command =
        makes ? topics.command(
                    "apply",
                    "Make the topics that are missing, and set those right that lose records. Exit "
                    "1 when one has another number of partitions, which is left as it is",
                    "sluice topics apply --brokers localhost:9092 --partitions 12")
              : topics.command(
                    "list", "What there is, from where to where, and which settings lose records",
                    "sluice topics list --data DIR");
    if (makes) {
      add_broker_options(command, options->log);
    } else {
      add_log_options(command, options->log);
    }
    command.list("domains", options->domains, "Of these domains; all when not given");
    if (makes) {
      command.number("partitions", options->partitions, 1, 10'000,
                     "Of each topic; cannot be changed later");
      command.flag("dry-run", options->dry_run, "Only say what would be made and changed");
    }
    command.runs([options, makes](const OutputForm& output) {
      return makes ? apply(*options) : list(*options, output);
    });
  }
}

}  // namespace sluice
