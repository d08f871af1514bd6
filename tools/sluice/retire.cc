#include <limits>

#include "storage/base/json_writer.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/generations/refused.h"
#include "tools/sluice/node/domain_choice.h"

namespace sluice {
namespace {

struct Options {
  std::string domain;
  std::string postgres;
  std::int64_t generation = std::numeric_limits<std::int64_t>::max();
};

Exit take_away(const Options& options) {
  const std::string domain(choose_domains({options.domain}).front().name);
  if (const auto refused = retire(options.postgres, domain, static_cast<int>(options.generation))) {
    return print_refused(*refused);
  }
  print_line(JsonWriter().begin_object().field("retired", options.generation).end_object().take());
  return Exit::done;
}

}  // namespace

void add_retire(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "retire",
      "Take a generation away: its tables, positions, rejections and quarantine. Also one that is "
      "still built; never the one that readers see. Exit 1 with {\"refused\":...} when it is that "
      "one (live), something holds its tables (locked), or views or functions of yours are built "
      "on them (needed).",
      "sluice retire deliberation --generation 1 --postgres postgresql://...");
  command.argument("DOMAIN", options->domain, "Whose generation");
  command
      .number("generation", options->generation, 1, std::numeric_limits<int>::max(),
              "Its number, as `sluice generations` says it")
      .required();
  add_postgres_option(command, options->postgres);
  command.runs([options](const OutputForm&) { return take_away(*options); });
}

}  // namespace sluice
