#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>

#include "sluice/envelope.pb.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"

namespace sluice {
namespace {

struct Options {
  LogOptions log;
  std::string domain;
  std::int64_t from = 0;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
  std::string key;
  bool follow = false;
};

constexpr std::chrono::milliseconds kPoll{200};

// Reads on behalf of nobody: from where it was told, or from where the log begins.
class Spectator final : public Ownership {
 public:
  Spectator(LogTopology& topology, std::string stream, Offset from)
      : topology_(topology), stream_(std::move(stream)), from_(from) {}
  Offset acquired(Partition partition) override {
    const LogRange range = topology_.range(stream_, partition);
    return std::clamp(from_, range.begin, range.end);
  }
  void lost(Partition) override {}

 private:
  LogTopology& topology_;
  std::string stream_;
  Offset from_;
};

std::string as_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions form;
  form.preserve_proto_field_names = true;
  std::string json;
  return google::protobuf::util::MessageToJsonString(message, &json, form).ok() ? json : "null";
}

// What cannot be decoded is shown as far as it can be: that is when people look.
std::string describe(const LogRecord& record, const Domain& domain) {
  std::string json = "{\"partition\":" + std::to_string(record.partition.value) +
                     ",\"offset\":" + std::to_string(record.offset.value) + ",\"appended_at\":" +
                     std::to_string(record.appended_at.time_since_epoch().count()) +
                     ",\"bytes\":" + std::to_string(record.value.size());
  Envelope envelope;
  if (!envelope.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    return json + ",\"fault\":\"not an envelope\"}";
  }
  const std::string payload = envelope.payload();
  if (envelope.has_payload()) envelope.clear_payload();
  json += ",\"envelope\":" + as_json(envelope);
  if (payload.empty()) return json + "}";
  const auto* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(domain.event);
  const std::unique_ptr<google::protobuf::Message> event(prototype->New());
  return json + (event->ParseFromString(payload) ? ",\"event\":" + as_json(*event) + "}"
                                                 : ",\"fault\":\"the payload is not an event\"}");
}

// Whether every partition was read up to the end that it had.
bool at_end(const std::map<Partition, Offset>& read, const std::map<Partition, Offset>& ends) {
  return std::ranges::all_of(ends, [&](const auto& end) {
    const auto found = read.find(end.first);
    return found != read.end() && found->second >= end.second;
  });
}

Exit tail(const Options& options) {
  const Shutdown shutdown;
  const Domain domain = choose_domains({options.domain}).front();
  const std::string stream = stream_of(domain.name);
  const auto log = look_at_log(options.log);
  const auto topology = log->topology();
  const int count = topology->partitions(stream).value_or(0);
  std::vector<Partition> partitions;
  std::map<Partition, Offset> ends;
  std::map<Partition, Offset> read;
  for (int p = 0; p < count; ++p) {
    const LogRange range = topology->range(stream, Partition{p});
    partitions.push_back(Partition{p});
    ends[Partition{p}] = range.end;
    read[Partition{p}] = std::clamp(Offset{options.from}, range.begin, range.end);
  }
  Spectator spectator(*topology, stream, Offset{options.from});
  const auto reader = log->reader(stream, partitions, spectator);
  std::int64_t left = options.limit;
  while (left > 0 && !shutdown.token().stop_requested() &&
         (options.follow || !at_end(read, ends))) {
    for (const LogRecord& record : reader->poll(kPoll)) {
      read[record.partition] = record.offset.next();
      const bool wanted = options.key.empty() || record.key == options.key;
      if (!wanted || left == 0) continue;
      print_line(describe(record, domain));
      --left;
    }
  }
  return Exit::done;
}

}  // namespace

void add_tail(Command& root) {
  auto options = std::make_shared<Options>();
  Command command =
      root.command("tail", "Print the records of a domain's stream, one JSON object a line",
                   "sluice tail --domain deliberation --data DIR --key brexit-consensus --follow");
  add_log_options(command, options->log);
  command.text("domain", options->domain, "Whose stream").required();
  command.number("from", options->from, 0, std::numeric_limits<std::int64_t>::max(),
                 "First offset of each partition");
  command.number("limit", options->limit, 1, std::numeric_limits<std::int64_t>::max(),
                 "Stop after so many");
  command.text("key", options->key, "Only records of this key, such as a conversation");
  command.flag("follow", options->follow, "Go on with what is appended later, until Ctrl-C");
  command.runs([options](const OutputForm&) { return tail(*options); });
}

}  // namespace sluice
