#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "schemas/descriptors/contract_text.h"
#include "sluice/envelope.pb.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/start_check.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/published.h"

namespace sluice {
namespace {

struct Options {
  std::string postgres;
  std::vector<std::string> domains;
  std::vector<std::string> refold;
  std::string since;
  std::int64_t partitions = 4;
  std::chrono::milliseconds horizon{std::chrono::hours(24)};
  std::chrono::milliseconds retention{std::chrono::hours(7 * 24)};
};

Exit print(const Options& options, const OutputForm& output) {
  std::string sql;
  for (const PublishedSchema& schema :
       schemas_of(choose_domains(options.domains), static_cast<int>(options.partitions),
                  options.horizon, options.retention)) {
    sql += schema_sql(schema, 1);
  }
  if (output.json) {
    print_line(JsonWriter().begin_object().field("sql", sql).end_object().take());
  } else {
    std::fputs(sql.c_str(), stdout);
  }
  return Exit::done;
}

std::string json_list(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + json_string(name);
  return "[" + list + "]";
}

Exit apply(const Options& options) {
  std::vector<std::string> names = options.domains;
  // A domain that is to be folded anew is applied, whether it was named or not.
  for (const std::string& name : options.refold) {
    if (!names.empty() && std::ranges::count(names, name) == 0) names.push_back(name);
  }
  (void)choose_domains(options.refold);  // each is one
  const auto schemas = schemas_of(choose_domains(names), static_cast<int>(options.partitions),
                                  options.horizon, options.retention);
  check_database(options.postgres, {.schemas = schemas});
  // Who sets a view back does so beside its readers: no more DDL than it takes.
  apply_schema(options.postgres, schemas,
               options.refold.empty() ? Apply::everything : Apply::what_changed, options.refold);
  std::vector<std::string> applied;
  for (const PublishedSchema& schema : schemas) applied.emplace_back(schema.domain);
  print_line("{\"applied\":" + json_list(applied) + ",\"refolded\":" + json_list(options.refold) +
             "}");
  return Exit::done;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  if (!(text << in.rdbuf())) throw Misconfigured("cannot read " + file);
  return text.str();
}

// The protos whose bytes stand in logs, and whose columns readers have.
Exit contract(const Options& options, const OutputForm& output) {
  std::vector<const google::protobuf::FileDescriptor*> files{Envelope::descriptor()->file()};
  for (const Domain& domain : choose_domains(options.domains)) {
    files.push_back(domain.event->file());
    files.push_back(domain.tables);
  }
  const std::string text = contract_text(files);
  if (!options.since.empty()) {
    const auto broken = broken_promises(text_of(options.since), text);
    for (const std::string& promise : broken) std::fprintf(stderr, "%s\n", promise.c_str());
    print_line(JsonWriter().begin_object().field("broken", broken.size()).end_object().take());
    return broken.empty() ? Exit::done : Exit::found;
  }
  if (output.json) {
    print_line(JsonWriter().begin_object().field("contract", text).end_object().take());
  } else {
    std::fputs(text.c_str(), stdout);
  }
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
    if (applies) {
      add_postgres_option(command, options->postgres);
      command.list("refold", options->refold,
                   "Empty the views of these domains and set them back to the log's beginning: "
                   "whoever projects them folds the log anew, and readers meanwhile see less");
    }
    command.list("domains", options->domains, "Of these domains; all when not given");
    command.number("partitions", options->partitions, 1, 1024,
                   "Of the domain's stream; fixed when the view is made");
    command.duration("dedupe-horizon", options->horizon, std::chrono::seconds(1),
                     "How long an event's id is remembered; fixed too");
    command.duration("quarantine-retention", options->retention, std::chrono::seconds(1),
                     "How long quarantine keeps bytes that no deletion of a user is sure to reach; "
                     "fixed too");
    command.runs([options, applies](const OutputForm& output) {
      return applies ? apply(*options) : print(*options, output);
    });
  }
  Command command = schema.command(
      "contract", "What a release promises: the numbers, names and types of facts and columns",
      "sluice schema contract --domains deliberation");
  command.list("domains", options->domains, "Of these domains; all when not given");
  command.text("since", options->since,
               "An earlier contract: say what of it no longer holds; exit 1 when there is any");
  command.runs([options](const OutputForm& output) { return contract(*options, output); });
}

}  // namespace sluice
