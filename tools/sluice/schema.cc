#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "schemas/descriptors/contract_text.h"
#include "sluice/envelope.pb.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/schema_diff.h"
#include "storage/postgres/start_check.h"
#include "tools/sluice/cli/file_text.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/published.h"

namespace sluice {
namespace {

// The contract of every domain is some 100 KiB.
constexpr std::size_t kReleasedMost = std::size_t{16} << 20;

struct Options {
  std::string postgres;
  std::vector<std::string> domains;
  std::vector<std::string> refold;
  std::string since;
  std::string domain;  // of diff
  std::int64_t partitions = 4;
  std::chrono::milliseconds horizon{std::chrono::hours(24)};
  std::chrono::milliseconds retention{std::chrono::hours(7 * 24)};
  bool no_key_index = false;
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
                                  options.horizon, options.retention, !options.no_key_index);
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

std::string json_of(const SchemaDifference& difference, const PublishedSchema& schema) {
  JsonWriter json;
  json.begin_object()
      .field("projection", schema.domain)
      .field("generation", difference.generation)
      .field("live_version", difference.live_version)
      .field("version", schema.version)
      .name("changes")
      .begin_array();
  const auto text = [&](std::string_view name, const std::string& value) {
    value.empty() ? json.name(name).null() : json.field(name, value);
  };
  for (const SchemaChange& change : difference.changes) {
    json.begin_object().field("what", change.kind);
    text("name", change.name);
    text("from", change.from);
    text("to", change.to);
    json.name("needs_generation").flag(change.needs_generation).end_object();
  }
  json.end_array().name("needs_generation").flag(difference.needs_generation());
  text("next", next_step(difference, schema));
  return json.end_object().take();
}

Answer table_of(const SchemaDifference& difference) {
  Answer answer;
  answer.columns = {{"what"}, {"name"}, {"from"}, {"to"}, {"done by"}};
  for (const SchemaChange& change : difference.changes) {
    answer.rows.push_back({change.kind, change.name, change.from, change.to,
                           change.needs_generation ? "another generation" : "the next start"});
  }
  return answer;
}

Exit diff(const Options& options, const OutputForm& output) {
  const auto chosen = choose_domains({options.domain});
  const auto schemas = schemas_of(chosen, 1, options.horizon, options.retention);
  if (schemas.empty()) {
    throw Misconfigured(options.domain + " has no projection: it publishes nothing");
  }
  const SchemaDifference difference = schema_difference(options.postgres, schemas.front());
  if (!output.json && ::isatty(STDOUT_FILENO) == 1) {
    const std::string next = next_step(difference, schemas.front());
    std::fputs(table_of(difference).table().c_str(), stdout);
    if (!next.empty()) std::printf("next: %s\n", next.c_str());
  } else {
    print_line(json_of(difference, schemas.front()));
  }
  return difference.changes.empty() ? Exit::done : Exit::found;
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
    const auto broken = broken_promises(text_of_file(options.since, kReleasedMost), text);
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
      command.flag("no-key-index", options->no_key_index,
                   "State of a view that is made now has no index of which records concern a key: "
                   "sluice replay then reads the whole partition");
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
  Command diffs = schema.command(
      "diff",
      "What this program changes of a domain's tables, indexes, keys, functions for readers and "
      "rules against what readers see, and which of it needs another generation (sluice rebuild); "
      "the rest is done by the next start or `schema apply`. Exit 1 when anything differs.",
      "sluice schema diff deliberation --postgres postgresql://...");
  diffs.argument("DOMAIN", options->domain, "Whose tables");
  add_postgres_option(diffs, options->postgres);
  diffs.runs([options](const OutputForm& output) { return diff(*options, output); });
  Command command = schema.command(
      "contract", "What a release promises: the numbers, names and types of facts and columns",
      "sluice schema contract --domains deliberation");
  command.list("domains", options->domains, "Of these domains; all when not given");
  command.text("since", options->since,
               "An earlier contract: say what of it no longer holds; exit 1 when there is any");
  command.runs([options](const OutputForm& output) { return contract(*options, output); });
}

}  // namespace sluice
