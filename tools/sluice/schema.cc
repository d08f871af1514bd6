#include <cstdio>

#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/domain_choice.h"
#include "tools/sluice/json.h"
#include "tools/sluice/producer.h"
#include "tools/sluice/published.h"

namespace sluice {
namespace {

struct Options {
  std::string postgres;
  std::vector<std::string> domains;
  std::int64_t partitions = 4;
  std::chrono::milliseconds horizon{std::chrono::hours(24)};
};

Exit print(const Options& options, const Speech& speech) {
  std::string sql;
  for (const PublishedSchema& schema :
       schemas_of(choose_domains(options.domains), static_cast<int>(options.partitions),
                  options.horizon)) {
    sql += schema_sql(schema, 1);
  }
  if (speech.json) {
    print_line("{\"sql\":" + json_string(sql) + "}");
  } else {
    std::fputs(sql.c_str(), stdout);
  }
  return Exit::done;
}

Exit apply(const Options& options) {
  const auto schemas = schemas_of(choose_domains(options.domains),
                                  static_cast<int>(options.partitions), options.horizon);
  apply_schema(options.postgres, schemas);
  std::string applied;
  for (const PublishedSchema& schema : schemas) {
    applied += (applied.empty() ? "" : ",") + json_string(schema.domain);
  }
  print_line("{\"applied\":[" + applied + "]}");
  return Exit::done;
}

}  // namespace

void add_schema(Command& root) {
  auto options = std::make_shared<Options>();
  Command schema = root.command("schema", "The tables that readers query", "sluice schema print");
  for (const bool applies : {false, true}) {
    Command command =
        applies ? schema.command("apply",
                                 "Make or extend them in Postgres; harmless when they are there",
                                 "sluice schema apply --postgres postgresql://... --partitions 12")
                : schema.command("print", "Their DDL, as apply would run it",
                                 "sluice schema print --domains deliberation");
    if (applies) add_postgres_option(command, options->postgres);
    command.list("domains", options->domains, "Of these domains; all when not given");
    command.number("partitions", options->partitions, 1, 1024,
                   "Of the domain's stream; fixed when the view is made");
    command.duration("dedupe-horizon", options->horizon, std::chrono::seconds(1),
                     "How long an event's id is remembered; fixed too");
    command.runs([options, applies](const Speech& speech) {
      return applies ? apply(*options) : print(*options, speech);
    });
  }
}

}  // namespace sluice
