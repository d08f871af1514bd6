#include <cstdio>
#include <limits>

#include "storage/base/errors.h"
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
  std::vector<std::string> expected;
  std::int64_t samples = 20;
};

Exit compare_with_live(const Options& options) {
  const Domain domain = choose_domains({options.domain}).front();
  PgConnection postgres(options.postgres);
  std::optional<int> generation;
  if (options.generation != kNone) generation = static_cast<int>(options.generation);
  const auto chosen = choose_pair(postgres, std::string(domain.name), generation, true);
  if (const auto* refused = std::get_if<GenerationRefusal>(&chosen)) return print_refused(*refused);
  const GenerationPair& pair = std::get<GenerationPair>(chosen);
  if (pair.other_status == "live") {
    throw Misconfigured(pair.domain + " generation " + std::to_string(pair.other) +
                        " is the live one: name one beside it");
  }
  postgres.disconnect();
  const auto made = compare(options.postgres, pair,
                            {.tables = domain.tables,
                             .emits = emits(domain),
                             .expected = options.expected,
                             .samples = static_cast<int>(options.samples)});
  if (const auto* refused = std::get_if<GenerationRefusal>(&made)) return print_refused(*refused);
  const Comparison& comparison = std::get<Comparison>(made);
  if (!comparison.emitted) {
    std::fprintf(
        stderr,
        "sluice compare: what was emitted cannot be compared: generation %d or %d was made "
        "by a program that kept no account of it, or by rules that emit nothing\n",
        comparison.against, comparison.generation);
  }
  print_line(json_of(comparison));
  return comparison.unexpected > 0 ? Exit::found : Exit::done;
}

}  // namespace

void add_compare(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "compare",
      "Hold a generation against the one that readers see, row by row, at one position: what only "
      "the new one has (added) or the old one (missing), what differs (changed) and in which "
      "columns, with samples. Readers do not wait, flushes of the live one for moments. Exit 1 "
      "when rows differ that are not expected, or with {\"refused\":...} when there is nothing to "
      "compare yet (not_ready), the two do not come to one position (busy, no_owner), or were "
      "folded from two logs (log).",
      "sluice compare deliberation --postgres postgresql://... --expect opinion_stats.passes");
  command.argument("DOMAIN", options->domain, "Whose generations");
  add_postgres_option(command, options->postgres);
  command.number("generation", options->generation, 1, std::numeric_limits<int>::max(),
                 "The new one; when not given the one that is ready or building, else the one that "
                 "stands");
  command.list("expect", options->expected,
               "Differences that are meant: TABLE (rows that only one side has), TABLE.COLUMN, "
               "TABLE.*");
  command.number("samples", options->samples, 0, 10'000, "Rows shown of each table that differs");
  command.runs([options](const OutputForm&) { return compare_with_live(*options); });
}

}  // namespace sluice
