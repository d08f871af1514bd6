#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "schemas/descriptors/rules.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/client/rfc3339.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/explaining/fate.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/records/event_json.h"
#include "tools/sluice/verification/same_log.h"

namespace sluice {
namespace {

struct Options {
  std::string what;
  std::string postgres;
  LogOptions log;
  std::string domain;
  std::string key;
  std::chrono::milliseconds since{std::chrono::hours(1)};
};

// Those that readers see, or the one of this name.
std::vector<Domain> domains_of(const Options& options) {
  if (!options.domain.empty()) return choose_domains({options.domain});
  const Answer live =
      Database(options.postgres).ask("SELECT projection FROM sluice.projection WHERE live");
  std::vector<Domain> domains = choose_domains({});
  std::erase_if(domains, [&](const Domain& domain) {
    return std::ranges::none_of(live.rows,
                                [&](const auto& row) { return row.at(0) == domain.name; });
  });
  return domains;
}

// nullopt: it is the id of an event, which may look like a token: of what has a key, or names no
// domain that there is.
std::optional<Token> token_in(const Options& options) {
  if (!options.key.empty()) return std::nullopt;
  Token token;
  try {
    token.add(options.what);
  } catch (const Misconfigured&) {
    return std::nullopt;
  }
  const std::vector<Domain> all = choose_domains({});
  const auto known = [&](const Token::Place& place) {
    return std::ranges::find(all, place.domain, &Domain::name) != all.end();
  };
  if (!std::ranges::all_of(token.places(), known)) return std::nullopt;
  return token;
}

std::vector<FoundRecord> find(const Options& options, Log& log) {
  std::vector<Domain> domains = domains_of(options);
  const auto token = token_in(options);
  std::erase_if(domains, [&](const Domain& domain) {
    const auto names = [&](const Token::Place& place) { return place.domain == domain.name; };
    return token && std::ranges::none_of(token->places(), names);
  });
  for (const Domain& domain : domains) {
    require_same_log(options.postgres, std::string(domain.name), log, "explain");
  }
  if (token) return find_by_token(log, *token, domains);
  std::vector<FoundRecord> all;
  for (const Domain& domain : domains) {
    const auto some = options.key.empty()
                          ? find_by_id(log, domain, options.what, log.now() - options.since)
                          : find_by_key({options.postgres, options.log.data, log}, domain,
                                        options.what, options.key);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void write_optional(JsonWriter& json, const char* name, const std::optional<std::string>& text) {
  json.name(name);
  text ? json.text(*text) : json.null();
}

void write(JsonWriter& json, const FoundRecord& record, const Fate& fate) {
  json.begin_object().field("domain", record.domain.name);
  json.field("partition", record.partition.value).field("offset", record.offset.value);
  const bool is_text = simdjson::validate_utf8(record.key.data(), record.key.size());
  json.field("key", is_text ? record.key : base64(record.key));
  write_optional(json, "type", record.type.empty() ? std::nullopt : std::optional(record.type));
  json.field("recorded_at", rfc3339(record.recorded_at)).field("fate", fate.word);
  write_optional(json, "reason", fate.reason);
  json.name("of");
  fate.of ? json.number(*fate.of) : json.null();
  json.end_object();
}

Exit explain(const Options& options) {
  if (!token_in(options) && !is_event_id(options.what)) {
    throw Misconfigured("\"" + options.what +
                        "\" is neither a token, such as deliberation~k3f9q2:3@812, nor an event's "
                        "id (1 to 200 printable characters)");
  }
  // Before the log is read through for an answer that could not be given.
  (void)Database(options.postgres).ask("SELECT 1");
  const auto log = look_at_log(options.log);
  const std::vector<FoundRecord> found = find(options, *log);
  JsonWriter json;
  json.begin_object().name("found").begin_array();
  for (const FoundRecord& record : found) {
    const Fate fate = fate_of({options.postgres, options.log.data, *log}, record);
    write(json, record, fate);
    if (!fate.by_other_rules) continue;
    const std::string domain(record.domain.name);
    std::fprintf(stderr, "sluice explain: %s\n", told_of_other_rules(domain).c_str());
  }
  print_line(json.end_array().end_object().take());
  if (!found.empty()) return Exit::done;
  std::fprintf(stderr, "sluice explain: the log has no such event%s\n",
               token_in(options) || !options.key.empty()
                   ? ""
                   : ", or it is older than --since says: --key finds it at any age");
  return Exit::found;
}

}  // namespace

void add_explain(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "explain",
      "What became of an event: whether the view shows it, it waits for the view, was rejected, "
      "waits in quarantine, or repeats another (of: the offset that it repeats or waits behind). "
      "Exit 1 when there is no such event.",
      "sluice explain deliberation~k3f9q2:3@812 --postgres postgresql://... --data DIR");
  command.argument("TOKEN|EVENT-ID", options->what,
                   "A token that a post answered, whose last event of each partition is meant, or "
                   "the id of an event; with --key always an id");
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.text("domain", options->domain, "Only in this domain; in all when not given");
  command.text("key", options->key,
               "The event's key, such as a conversation: its records are looked through by index, "
               "whatever their age");
  command.duration("since", options->since, std::chrono::milliseconds(1),
                   "How far back the log is looked through for an id without --key");
  command.runs([options](const OutputForm&) { return explain(*options); });
}

}  // namespace sluice
