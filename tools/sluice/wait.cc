#include <pqxx/pqxx>
#include <thread>

#include "storage/errors.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/producer.h"
#include "tools/sluice/token.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

struct Options {
  std::string token;
  std::string postgres;
  milliseconds timeout{30000};
};

constexpr milliseconds kBetweenTries{200};

// The wait itself is Postgres's (sluice.wait_for); a server that is away is waited for too.
bool reached(const Options& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    try {
      pqxx::connection connection(options.postgres);
      pqxx::nontransaction work(connection);
      work.exec("SET statement_timeout = 0");
      return work
          .exec_params1("SELECT sluice.wait_for($1, $2::bigint * interval '1 millisecond')",
                        options.token, std::max<std::int64_t>(left.count(), 0))[0]
          .as<bool>();
    } catch (const pqxx::broken_connection& error) {
      if (left <= kBetweenTries) {
        throw Retryable(std::string("no connection to Postgres: ") + error.what());
      }
    } catch (const pqxx::sql_error& error) {
      throw Misconfigured(std::string("Postgres refuses: ") + error.what());
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

Exit wait(const Options& options, const Speech& speech) {
  Token().add(options.token);
  const bool yes = reached(options);
  if (speech.json) print_line(std::string("{\"reached\":") + (yes ? "true}" : "false}"));
  return yes ? Exit::done : Exit::found;
}

}  // namespace

void add_wait(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "wait",
      "Wait until every view has reached a token. Exit 0 when they have, 1 after the timeout.",
      "sluice wait deliberation:3@812 --postgres postgresql://... --timeout 30s");
  command.argument("TOKEN", options->token, "What a post or an import answered");
  command.text("postgres", options->postgres, "URL of Postgres, as `sluice up` prints it")
      .required();
  command.duration("timeout", options->timeout, milliseconds(0), "How long to wait");
  command.runs([options](const Speech& speech) { return wait(*options, speech); });
}

}  // namespace sluice
