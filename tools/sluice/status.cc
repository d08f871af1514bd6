#include <cstdio>

#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"

namespace sluice {
namespace {

const std::string kPartitions =
    "SELECT f.projection, f.partition, g.generation, g.live, f.position, f.log_end, f.lag, "
    "f.record_time, f.age "
    "FROM sluice.freshness f JOIN sluice.projection g ON g.projection = f.projection AND g.live "
    "ORDER BY f.projection, f.partition";
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

Exit status(const std::string& postgres, const OutputForm& output) {
  Database database(postgres);
  const Answer partitions = database.ask(kPartitions);
  const Answer computations = database.ask(kComputations);
  const Answer troubles = database.ask(kTroubles);
  const Answer rejected = database.ask(kRejected);
  const Answer quarantined = database.ask(kQuarantined);
  if (output.json) {
    print_line("{\"partitions\":" + partitions.json() + ",\"computations\":" + computations.json() +
               ",\"troubles\":" + troubles.json() + ",\"rejected\":" + rejected.json() +
               ",\"quarantined\":" + quarantined.json() + "}");
    return Exit::done;
  }
  std::string text = partitions.table();
  if (!computations.rows.empty()) text += "\n" + computations.table();
  if (!troubles.rows.empty()) text += "\n" + troubles.table();
  if (!rejected.rows.empty()) text += "\n" + rejected.table();
  if (!quarantined.rows.empty())
    text += "\n" + quarantined.table() + "see: sluice quarantine list\n";
  std::fputs(text.c_str(), stdout);
  return Exit::done;
}

}  // namespace

void add_status(Command& root) {
  auto postgres = std::make_shared<std::string>();
  Command command = root.command("status",
                                 "How far each view is: position, end of the log, lag and age, by "
                                 "partition; of what is computed, how many keys are due, are being "
                                 "computed or fail, and how long the oldest has waited; which are "
                                 "stopped and why; what was rejected and what is in quarantine",
                                 "sluice status --postgres postgresql://...");
  add_postgres_option(command, *postgres);
  command.runs([postgres](const OutputForm& output) { return status(*postgres, output); });
}

}  // namespace sluice
