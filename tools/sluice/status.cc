#include <algorithm>
#include <cstdio>
#include <map>

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/log_check.h"

namespace sluice {
namespace {

struct Options {
  std::string postgres;
  LogOptions log;
};

const std::string kPartitions =
    "SELECT f.projection, f.partition, g.generation, g.live, f.position, f.log_end, f.lag, "
    "f.record_time, f.age, f.owned "
    "FROM sluice.freshness f JOIN sluice.projection g ON g.projection = f.projection AND g.live "
    "ORDER BY f.projection, f.partition";
// Of kPartitions.
constexpr std::size_t kProjection = 0;
constexpr std::size_t kPartition = 1;
constexpr std::size_t kPosition = 4;
constexpr std::size_t kLogEnd = 5;
constexpr std::size_t kLag = 6;
constexpr std::size_t kOwned = 9;

const std::string kComputations =
    "SELECT projection, partition, due, computing, failing, oldest_due, published, published_age "
    "FROM sluice.computation ORDER BY 1, 2";
const std::string kRejected =
    "SELECT projection, reason, count(*) AS rejected FROM sluice.rejection GROUP BY 1, 2 ORDER BY "
    "1, 3 DESC, 2";
const std::string kQuarantined =
    "SELECT projection, partition, count(*) AS quarantined FROM sluice.quarantine GROUP BY 1, 2 "
    "ORDER BY 1, 2";
const std::string kTroubles =
    "SELECT projection, partition, trouble FROM sluice.freshness WHERE trouble <> '' ORDER BY 1, 2";

// Where nobody projects, nobody says how far a view is behind: the log is asked itself. What it is
// not, compared with the views, is a trouble; throws Misconfigured where it is another log.
class AskedLog {
 public:
  AskedLog(const LogOptions& options, const std::string& postgres)
      : log_(look_at_log(options)),
        topology_(log_->topology()),
        stands_(StandingViews(postgres).read()) {}

  void complete(Answer& partitions, Answer& troubles) {
    for (auto& row : partitions.rows) {
      const std::string projection = row[kProjection].value();
      const auto seen = seen_.find(projection);
      const StreamSeen& stream =
          seen == seen_.end() ? seen_.emplace(projection, look(projection, troubles)).first->second
                              : seen->second;
      const Partition partition{static_cast<std::int32_t>(std::stol(row[kPartition].value()))};
      const auto found = stream.seen.find(partition);
      // An owner knows better: behind the last record that can be read there may be offsets that
      // no reader gets.
      if (found == stream.seen.end() || row[kOwned] == "t") continue;
      const std::int64_t position = std::stoll(row[kPosition].value());
      const std::int64_t end = std::max(found->second.range.end.value, position);
      row[kLogEnd] = std::to_string(end);
      row[kLag] = std::to_string(end - position);
    }
  }

 private:
  StreamSeen look(const std::string& projection, Answer& troubles) {
    const auto trouble = [&](const std::string& text) {
      troubles.rows.push_back({projection, std::nullopt, text});
      return StreamSeen{};
    };
    try {
      const StreamSeen seen = look_at(*topology_, stream_of(projection));
      const auto stand = stands_.find(projection);
      if (stand == stands_.end()) return seen;
      const auto wrong = mismatch(projection, stand->second, seen);
      if (!wrong) return seen;
      if (wrong->kind == LogMismatch::Kind::another_log) throw Misconfigured(wrong->text);
      return trouble(wrong->text);
    } catch (const Corrupt& failure) {
      return trouble(failure.what());
    }
  }

  const std::unique_ptr<Log> log_;
  const std::unique_ptr<LogTopology> topology_;
  const ViewStands stands_;
  std::map<std::string, StreamSeen> seen_;
};

Exit status(const Options& options, const OutputForm& output) {
  std::optional<AskedLog> log;
  if (!options.log.data.empty() || !options.log.brokers.empty()) {
    log.emplace(options.log, options.postgres);
  }
  Database database(options.postgres);
  Answer partitions = database.ask(kPartitions);
  const Answer computations = database.ask(kComputations);
  Answer troubles = database.ask(kTroubles);
  const Answer rejected = database.ask(kRejected);
  const Answer quarantined = database.ask(kQuarantined);
  if (log) log->complete(partitions, troubles);
  const bool blind =
      std::ranges::any_of(partitions.rows, [](const auto& row) { return !row[kLag].has_value(); });
  const Exit exit = troubles.rows.empty() && !blind ? Exit::done : Exit::found;
  if (output.json) {
    print_line("{\"partitions\":" + partitions.json() + ",\"computations\":" + computations.json() +
               ",\"troubles\":" + troubles.json() + ",\"rejected\":" + rejected.json() +
               ",\"quarantined\":" + quarantined.json() + "}");
    return exit;
  }
  std::string text = partitions.table();
  if (!computations.rows.empty()) text += "\n" + computations.table();
  if (!troubles.rows.empty()) text += "\n" + troubles.table();
  if (!rejected.rows.empty()) text += "\n" + rejected.table();
  if (!quarantined.rows.empty())
    text += "\n" + quarantined.table() + "see: sluice quarantine list\n";
  std::fputs(text.c_str(), stdout);
  return exit;
}

}  // namespace

void add_status(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "status",
      "How far each view is: position, end of the log, lag and age, by partition; whether a "
      "process has it; of what is computed, how many keys are due, are being computed or fail, and "
      "how long the oldest has waited; what stands still, why, and what to do; what was rejected "
      "and what is in quarantine. With --brokers or --data the log itself is asked where it ends "
      "for partitions that no process has, whose lag is unknown otherwise. Exit 1 when anything "
      "stands still, or a lag is unknown.",
      "sluice status --postgres postgresql://... --data DIR");
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.runs([options](const OutputForm& output) { return status(*options, output); });
}

}  // namespace sluice
