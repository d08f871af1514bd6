#include "storage/postgres/swap/promotion.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/generations/refused.h"
#include "tools/sluice/node/domain_choice.h"

namespace sluice {
namespace {

struct Options {
  std::string domain;
  std::string postgres;
  std::chrono::milliseconds lock_wait{10000};
};

Exit go_back(const Options& options) {
  const std::string domain(choose_domains({options.domain}).front().name);
  return print_promoted("rollback",
                        roll_back(options.postgres, domain, {.lock_wait = options.lock_wait}));
}

}  // namespace

void add_rollback(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "rollback",
      "Give readers the generation back that they saw before the last promotion, at the position "
      "where they are now, without comparing; the other is ready to be promoted again. Exit 1 with "
      "{\"refused\":...}: not_ready (none stands), no_owner (nobody folds it), columns, busy, "
      "locked, log.",
      "sluice rollback deliberation --postgres postgresql://...");
  command.argument("DOMAIN", options->domain, "Whose generation");
  add_postgres_option(command, options->postgres);
  command.duration("lock-wait", options->lock_wait, std::chrono::milliseconds(0),
                   "How long to try, while somebody uses the views");
  command.runs([options](const OutputForm&) { return go_back(*options); });
}

}  // namespace sluice
