#include "storage/postgres/swap/promotion.h"

#include <cstdio>
#include <limits>

#include "storage/postgres/swap/comparison.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/generations/comparison_json.h"
#include "tools/sluice/generations/refused.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/published.h"

namespace sluice {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

struct Options {
  std::string domain;
  std::string postgres;
  std::int64_t generation = kNone;
  std::int64_t rows_behind = 1000;
  std::int64_t accepted = 0;
  std::vector<std::string> expected;
  std::chrono::milliseconds lock_wait{10000};
};

// Nothing where no more differs than was accepted.
std::optional<GenerationRefusal> require_equal(const Options& options, const Domain& domain,
                                               const GenerationPair& pair) {
  const auto made = compare(options.postgres, pair,
                            {.tables = domain.tables,
                             .emits = emits(domain),
                             .expected = options.expected,
                             .samples = 0});
  if (const auto* refused = std::get_if<GenerationRefusal>(&made)) return *refused;
  const Comparison& comparison = std::get<Comparison>(made);
  std::fprintf(stderr, "sluice promote: held generation %d against %d at %s: %lld unexpected\n",
               comparison.generation, comparison.against, json_of(comparison.positions).c_str(),
               static_cast<long long>(comparison.unexpected));
  if (comparison.unexpected <= options.accepted) return std::nullopt;
  return GenerationRefusal{"unexpected", unexpected_of(comparison) + ": see `sluice compare " +
                                             pair.domain +
                                             "`; --expect and --accept-unexpected let it pass"};
}

Exit promote_one(const Options& options) {
  const Domain domain = choose_domains({options.domain}).front();
  std::optional<int> generation;
  if (options.generation != kNone) generation = static_cast<int>(options.generation);
  const auto chosen =
      promotable(options.postgres, std::string(domain.name), generation, options.rows_behind);
  if (const auto* refused = std::get_if<GenerationRefusal>(&chosen)) return print_refused(*refused);
  const GenerationPair& pair = std::get<GenerationPair>(chosen);
  if (pair.other_status != "live") {
    if (const auto refused = require_equal(options, domain, pair)) return print_refused(*refused);
  }
  return print_promoted("promote",
                        promote(options.postgres, pair, {.lock_wait = options.lock_wait}));
}

}  // namespace

void add_promote(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "promote",
      "Compare a generation with the one that readers see, then give it to them, in one "
      "transaction. The old one stands, to be rolled back to; what stood before it is retired. "
      "Exit 1 with {\"refused\":...}: not_ready, no_owner (nobody folds it), lagging, unexpected, "
      "columns, busy, locked (somebody uses the views: which process, and what it does), log.",
      "sluice promote deliberation --postgres postgresql://... --expect opinion_stats.passes");
  command.argument("DOMAIN", options->domain, "Whose generation");
  add_postgres_option(command, options->postgres);
  command.number("generation", options->generation, 1, std::numeric_limits<int>::max(),
                 "Its number; when not given the one that is ready");
  command.number("max-rows-behind", options->rows_behind, 0, kNone,
                 "How many records any of its partitions may be behind");
  command.number("accept-unexpected", options->accepted, 0, kNone,
                 "How many rows may differ that are not expected");
  command.list("expect", options->expected, "Differences that are meant, as `compare` has them");
  command.duration("lock-wait", options->lock_wait, std::chrono::milliseconds(0),
                   "How long to try, while somebody uses the views");
  command.runs([options](const OutputForm&) { return promote_one(*options); });
}

}  // namespace sluice
