#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

#include "storage/base/errors.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/quarantine/direct.h"
#include "tools/sluice/quarantine/listing.h"
#include "tools/sluice/quarantine/request.h"

namespace sluice {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr int kShownWidth = 60;  // characters of a text in a table
constexpr std::int64_t kJsonPage = 500;
constexpr std::chrono::seconds kPatience{10};

struct Options {
  std::string postgres;
  LogOptions log;
  std::string domain;
  std::string key;
  std::int64_t partition = kNone;
  std::int64_t offset = kNone;
  ListedPage page;
};

Exit list_table(const Options& options) {
  Database database(options.postgres);
  bool more = false;
  const Answer answer = list_quarantine(database, options.page, kShownWidth, more);
  std::fputs(answer.table().c_str(), stdout);
  if (more) {
    std::fprintf(stderr, "There are more: --after %s; --json shows all of each text.\n",
                 end_of(answer).c_str());
  }
  return answer.rows.empty() ? Exit::done : Exit::found;
}

// One array, of which never more than a page is held.
Exit list_json(const Options& options) {
  Database database(options.postgres);
  ListedPage page = options.page;
  std::int64_t left = options.page.limit;
  bool any = false;
  bool more = true;
  std::fputs("[", stdout);
  while (more && left > 0) {
    page.limit = std::min(left, kJsonPage);
    const Answer answer = list_quarantine(database, page, 0, more);
    left -= page.limit;
    page.after = end_of(answer);
    const std::string rows = answer.json();
    if (answer.rows.empty()) break;
    std::fputs(any ? "," : "", stdout);
    std::fwrite(rows.data() + 1, 1, rows.size() - 2, stdout);
    any = true;
  }
  print_line("]");
  return any ? Exit::found : Exit::done;
}

Exit show(const Options& options) {
  const Answer answer =
      Database(options.postgres)
          .ask(
              "SELECT projection, partition, position, key, reason, encode(bytes, 'base64') AS "
              "value FROM sluice.quarantine JOIN (SELECT projection, generation, live "
              "FROM sluice.projection) AS g USING (projection, generation) "
              "WHERE g.live AND projection = $1 AND partition = $2::bigint AND position = "
              "$3::bigint",
              {options.domain, std::to_string(options.partition), std::to_string(options.offset)});
  if (answer.rows.empty())
    throw Misconfigured("nothing is in quarantine there: sluice quarantine list says what is");
  print_line(answer.json());
  return Exit::done;
}

QuarantineQuery query_of(const Options& options) {
  QuarantineQuery query{.projection = std::string(choose_domains({options.domain}).front().name),
                        .partition = std::nullopt,
                        .key = std::nullopt,
                        .offset = std::nullopt};
  if (options.partition != kNone) query.partition = Partition{static_cast<int>(options.partition)};
  if (!options.key.empty()) query.key = options.key;
  if (options.offset != kNone) query.offset = Offset{options.offset};
  return query;
}

Exit decide(const Options& options, Verdict verdict) {
  const QuarantineQuery query = query_of(options);
  const bool has_log = !options.log.data.empty() || !options.log.brokers.empty();
  if (!has_log && options.postgres.empty()) {
    throw Misconfigured(
        "give --postgres, to ask the sluice up that runs; or --data or --brokers while none does");
  }
  if (verdict == Verdict::discard && !query.key && !(query.partition && query.offset)) {
    throw Misconfigured("which record? give --key and --offset, or --partition and --offset");
  }
  std::string token;
  if (has_log) {
    token = decide_directly(options.log, options.postgres, verdict, query);
  } else {
    PgConnection postgres(options.postgres);
    (void)(verdict == Verdict::discard ? find_discarded(postgres, query)
                                       : find_released(postgres, query));
    token = request_decision(postgres, verdict, query, kPatience);
  }
  print_line("{\"token\":\"" + token + "\"}");
  return Exit::done;
}

void add_decision(Command& quarantine, const std::shared_ptr<Options>& options, Verdict verdict) {
  const bool discard = verdict == Verdict::discard;
  Command command =
      discard
          ? quarantine.command("discard",
                               "Drop one record for good; what waited behind it is then folded",
                               "sluice quarantine discard --domain deliberation --key c1 "
                               "--offset 812 --postgres postgresql://...")
          : quarantine.command(
                "release",
                "Fold what waits under a key, in order, as far as it can be folded. Wait for the "
                "token that it prints: what is then still listed could not be folded",
                "sluice quarantine release --domain deliberation --key c1 --postgres "
                "postgresql://...");
  command.text("postgres", options->postgres,
               "URL of Postgres, as `sluice up` prints it: a process that projects is asked there");
  add_log_options(command, options->log);
  command.text("domain", options->domain, "Whose quarantine").required();
  command.number("partition", options->partition, 0, 1'000'000,
                 "The record's partition, where it is not the key's own: it was misrouted");
  command.text("key", options->key, "The key whose records wait, such as a conversation");
  if (discard) {
    command
        .number("offset", options->offset, -kNone, kNone,
                "The record's position; below 0: a timer that failed")
        .required();
  } else {
    command.required();
    command.number("offset", options->offset, 0, kNone,
                   "The position of the first of them, when its bytes have aged out: it is read "
                   "from the log again");
  }
  command.runs([options, verdict](const OutputForm&) { return decide(*options, verdict); });
}

void add_list(Command& quarantine, const std::shared_ptr<Options>& options) {
  Command lists = quarantine.command(
      "list", "What is there, and why; exit 1 when there is anything. Long texts are cut",
      "sluice quarantine list --postgres postgresql://...");
  add_postgres_option(lists, options->postgres);
  lists.number("limit", options->page.limit, 1, kNone, "How many records, at most");
  lists.text("after", options->page.after, "Only what stands behind PROJECTION:PARTITION@POSITION");
  lists.runs([options](const OutputForm& output) {
    return output.json ? list_json(*options) : list_table(*options);
  });
}

void add_show(Command& quarantine, const std::shared_ptr<Options>& options) {
  Command shows = quarantine.command("show", "One record with its bytes in base64",
                                     "sluice quarantine show --domain deliberation --partition 3 "
                                     "--offset 812 --postgres postgresql://...");
  add_postgres_option(shows, options->postgres);
  shows.text("domain", options->domain, "Whose quarantine").required();
  shows.number("partition", options->partition, 0, 1'000'000, "The record's partition").required();
  shows.number("offset", options->offset, -kNone, kNone, "The record's position").required();
  shows.runs([options](const OutputForm&) { return show(*options); });
}

}  // namespace

void add_quarantine(Command& root) {
  auto options = std::make_shared<Options>();
  Command quarantine =
      root.command("quarantine", "Records that could not be folded, and what to do with them",
                   "sluice quarantine list --postgres postgresql://...");
  add_list(quarantine, options);
  add_show(quarantine, options);
  add_decision(quarantine, options, Verdict::release);
  add_decision(quarantine, options, Verdict::discard);
}

}  // namespace sluice
