#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>

#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/records/described_record.h"

namespace sluice {
namespace {

struct Options {
  LogOptions log;
  std::string domain;
  std::int64_t from = 0;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
  std::string key;
  bool follow = false;
  bool all = false;
};

constexpr std::chrono::milliseconds kPoll{200};

// Reads without being in a group: from the offset it was told, or from where the log begins.
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

// Prints records, and counts what is no event and was left out.
class Printer {
 public:
  Printer(const Options& options, const Domain& domain)
      : options_(options), describer_(domain), left_(options.limit) {}

  [[nodiscard]] bool wants_more() const { return left_ > 0; }

  void take(const LogRecord& record) {
    if (left_ == 0 || (!options_.key.empty() && record.key != options_.key)) return;
    const DescribedRecord described = describer_.describe(record);
    if (described.kind != DescribedRecord::Kind::event && !options_.all) {
      ++(described.kind == DescribedRecord::Kind::control ? controls_ : unreadable_);
      return;
    }
    print_line(described.json);
    --left_;
  }

  void tell_of_left_out() const {
    if (controls_ + unreadable_ == 0) return;
    std::fprintf(
        stderr,
        "Left out: %lld control records, %lld records that are no event of %s; --all shows "
        "them.\n",
        static_cast<long long>(controls_), static_cast<long long>(unreadable_),
        options_.domain.c_str());
  }

 private:
  const Options& options_;
  RecordDescriber describer_;
  std::int64_t left_;
  std::int64_t controls_ = 0;
  std::int64_t unreadable_ = 0;
};

// Where the partitions of a stream ended when the command began.
using Ends = std::map<Partition, Offset>;

// Whether everything was read that the log had when the command began.
bool at_end(EventReader& reader, const std::map<Partition, Offset>& read, const Ends& ends) {
  return std::ranges::all_of(ends, [&](const auto& end) {
    const auto found = read.find(end.first);
    const bool passed = found != read.end() && found->second >= end.second;
    return passed || reader.caught_up(end.first);
  });
}

Exit tail(const Options& options) {
  const Shutdown shutdown;
  const Domain domain = choose_domains({options.domain}).front();
  const std::string stream = stream_of(domain.name);
  const auto log = look_at_log(options.log);
  const auto topology = log->topology();
  const int count = partitions_of(*topology, stream);
  std::vector<Partition> partitions;
  Ends ends;
  std::map<Partition, Offset> read;
  for (int p = 0; p < count; ++p) {
    partitions.push_back(Partition{p});
    const LogRange range = topology->range(stream, Partition{p});
    ends[Partition{p}] = range.end;
    read[Partition{p}] = std::clamp(Offset{options.from}, range.begin, range.end);
  }
  Spectator spectator(*topology, stream, Offset{options.from});
  const auto reader = log->reader(stream, partitions, spectator);
  Printer printer(options, domain);
  bool ended = partitions.empty();
  while (!ended && printer.wants_more() && !shutdown.token().stop_requested() &&
         std::ferror(stdout) == 0) {
    for (const LogRecord& record : reader->poll(kPoll)) {
      read[record.partition] = record.offset.next();
      printer.take(record);
    }
    ended = !options.follow && at_end(*reader, read, ends);
  }
  printer.tell_of_left_out();
  return Exit::done;
}

}  // namespace

void add_tail(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "tail",
      "Print the events of a domain's stream, one CloudEvent a line, which sluice post takes as "
      "they are. Where each stands, and when it was recorded, is in attributes that ingest leaves "
      "unread. What is no event is left out, and counted on stderr.",
      "sluice tail --domain deliberation --data DIR --key brexit-consensus --follow");
  add_log_options(command, options->log);
  command.text("domain", options->domain, "Whose stream").required();
  command.number("from", options->from, 0, std::numeric_limits<std::int64_t>::max(),
                 "First offset of each partition");
  command.number("limit", options->limit, 1, std::numeric_limits<std::int64_t>::max(),
                 "Stop after so many");
  command.text("key", options->key, "Only records of this key, such as a conversation");
  command.flag("follow", options->follow, "Go on with what is appended later, until Ctrl-C");
  command.flag("all", options->all,
               "Also control records and what cannot be read, which post would refuse");
  command.runs([options](const OutputForm&) { return tail(*options); });
}

}  // namespace sluice
