#include <cstdio>
#include <memory>

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"
#include "storage/postgres/published_rows.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/replay/viewed_key.h"
#include "tools/sluice/verification/refolded_view.h"
#include "tools/sluice/verification/same_log.h"
#include "tools/sluice/verification/view_comparison.h"

namespace sluice {
namespace {

struct Options {
  std::string domain;
  std::string postgres;
  LogOptions log;
  std::string scratch;
  std::uint64_t memory = std::uint64_t{512} << 20;
};

Exit report(const std::vector<TableComparison>& tables) {
  std::int64_t rows = 0;
  std::int64_t differences = 0;
  for (const TableComparison& table : tables) {
    rows += table.rows.rows;
    differences += table.rows.differences;
    std::fputs(describe(table).c_str(), stderr);
  }
  print_line("{\"rows\":" + std::to_string(rows) +
             ",\"differences\":" + std::to_string(differences) + "}");
  return differences == 0 ? Exit::done : Exit::found;
}

Exit verify(const Options& options, const OutputForm& output) {
  const Domain domain = choose_domains({options.domain}).front();
  const std::vector<Domain> one{domain};
  const std::vector<Projection> projections = projections_of(one);
  if (projections.empty()) throw Misconfigured(options.domain + " has no projection");
  // The log first: what is wrong with the flags is said before Postgres is asked anything.
  const auto log = look_at_log(options.log, divide_memory(options.memory, {.projectors = 1}).log);
  require_same_log(options.postgres, std::string(domain.name), *log, "verify");
  // Rows of other rules would all be told as damaged.
  const Generation generation = own_live_generation(options.postgres, projections.front());
  const MemoryBudget memory = divide_memory(options.memory, {.projectors = generation.partitions});
  RefoldedView refolded(projections.front(), generation, *log, memory, options.scratch);
  PublishedRows rows(options.postgres, generation.projection, generation.number);
  auto tables = published_rows(*domain.tables);
  if (generation.tells_emissions) tables.push_back(&emission_row());
  return report(compare_view(refolded, rows, tables, output.progress));
}

}  // namespace

void add_verify(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "verify",
      "Refold a domain's log from its start into a fresh store and compare every published row "
      "with it. Exit 0 when they are equal, 1 when not; the first differences are named.",
      "sluice verify deliberation --postgres postgresql://... --data DIR");
  command.argument("DOMAIN", options->domain, "Whose view");
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.text("scratch", options->scratch,
               "Folder for the fresh store; the system's when not given");
  command.bytes("memory", options->memory, kLeastMemory,
                "For caches, memtables, rows and the log together");
  command.runs([options](const OutputForm& output) { return verify(*options, output); });
}

}  // namespace sluice
