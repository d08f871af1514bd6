#include <algorithm>
#include <cstdio>
#include <string_view>
#include <thread>
#include <utility>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/url.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/client/token.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

struct Options {
  std::string token;
  std::string postgres;
  milliseconds timeout{30000};
};

constexpr milliseconds kBetweenTries{200};
// The longest that one question waits: a server that falls silent is noticed, and told, within
// seconds of that.
constexpr milliseconds kQuestion{1000};
constexpr milliseconds kStatement{2500};
constexpr milliseconds kToAnswer{1000};
constexpr std::chrono::seconds kToConnect{2};

// Whether the views reach the token within `left`, asked once. Retryable: nobody knows.
bool ask_once(Database& database, const std::string& token, milliseconds left) {
  try {
    database.ask("SET lock_timeout = '1s'");  // below that of a statement: who has it is named
    const Answer answer =
        database.ask("SELECT sluice.wait_for($1, $2::bigint * interval '1 millisecond')",
                     {token, std::to_string(std::min(left, kQuestion).count())});
    return answer.rows.at(0).at(0) == "t";
  } catch (const Corrupt& refusal) {
    // Its own words, without the statement that they came by.
    const std::string_view text = refusal.what();
    throw Misconfigured(std::string(text.substr(0, text.find(" in SELECT "))));
  }
}

// The wait itself is Postgres's (sluice.wait_for); a server that is away is waited for too, which
// is said, once.
bool reached(const Options& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  Database database(options.postgres, kStatement, kToAnswer, kToConnect);
  bool told = false;
  for (;;) {
    const auto left = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(
                                                    deadline - std::chrono::steady_clock::now()));
    try {
      if (ask_once(database, options.token, left)) return true;
      if (left <= kQuestion) return false;
      continue;
    } catch (const Retryable& failure) {
      if (left <= kBetweenTries) throw;
      if (!std::exchange(told, true)) {
        std::fprintf(stderr, "waiting until --timeout for the database %s: %s\n",
                     without_password(options.postgres).c_str(), failure.what());
      }
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

// What a person wants to know after a timeout.
void explain(const Options& options) {
  const Answer missing =
      Database(options.postgres)
          .ask(
              "SELECT split_part(wanted, '@', 1), split_part(wanted, '@', 2), p.position "
              "FROM unnest(string_to_array($1, ',')) AS wanted LEFT JOIN "
              "(sluice.position p JOIN sluice.projection g USING (projection, generation)) "
              "ON g.live AND p.projection || ':' || p.partition = "
              "regexp_replace(split_part(wanted, '@', 1), '~[^:]*', '') "
              "WHERE p.position IS NULL OR p.position < split_part(wanted, '@', 2)::bigint",
              {options.token});
  for (const auto& row : missing.rows) {
    const std::string view = row[0].value_or("");
    std::fputs(("sluice wait: " + view + " " +
                (row[2] ? "is at " + *row[2] + ", not yet at " + row[1].value_or("")
                        : "is nowhere projected") +
                "\n")
                   .c_str(),
               stderr);
  }
}

Exit wait(const Options& options, const OutputForm& output) {
  Token token;
  token.add(options.token);
  static_cast<void>(choose_domains(token.domains()));  // throws for one that there is not
  const bool yes = reached(options);
  if (!yes) explain(options);
  if (output.json) {
    print_line(JsonWriter().begin_object().field("reached", yes).end_object().take());
  }
  return yes ? Exit::done : Exit::found;
}

}  // namespace

void add_wait(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "wait",
      "Wait until every view has reached a token. Exit 0 when they have, 1 after the timeout, 2 "
      "when "
      "the database does not answer until then, which stderr says within seconds. What "
      "was rejected, or waits in quarantine, is reached, too, and in no view: sluice explain TOKEN "
      "says so.",
      "sluice wait deliberation~k3f9q2:3@812 --postgres postgresql://... --timeout 30s");
  // A post of nothing has an empty one, which is always reached.
  command.argument("TOKEN", options->token, "What a post or an import answered").or_empty();
  add_postgres_option(command, options->postgres);
  command.duration("timeout", options->timeout, milliseconds(0), "How long to wait");
  command.runs([options](const OutputForm& output) { return wait(*options, output); });
}

}  // namespace sluice
