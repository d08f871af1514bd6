#include <unistd.h>

#include <cstdio>

#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/generations/listing.h"
#include "tools/sluice/node/domain_choice.h"

namespace sluice {
namespace {

struct Options {
  std::string domain;
  std::string postgres;
};

Exit list(const Options& options, const OutputForm& output) {
  std::vector<std::string> projections;
  if (!options.domain.empty()) {
    projections.emplace_back(choose_domains({options.domain}).front().name);
  }
  PgConnection postgres(options.postgres);
  const auto generations = list_generations(postgres, projections);
  if (!output.json && ::isatty(STDOUT_FILENO) == 1) {
    std::fputs(table_of(generations).c_str(), stdout);
    return Exit::done;
  }
  std::string all;
  for (const ListedGeneration& each : generations) all += (all.empty() ? "" : ",") + each.json();
  print_line("{\"generations\":[" + all + "]}");
  return Exit::done;
}

}  // namespace

void add_generations(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "generations",
      "The generations of a domain, or of all: which one readers see, which are built or stand "
      "beside it, how far each has come and who folds it. A table on a terminal, else JSON.",
      "sluice generations deliberation --postgres postgresql://...");
  command.argument("DOMAIN", options->domain, "Of this domain; all when not given").optional();
  add_postgres_option(command, options->postgres);
  command.runs([options](const OutputForm& output) { return list(*options, output); });
}

}  // namespace sluice
