#include <algorithm>
#include <cstdio>
#include <thread>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/new_version.h"
#include "storage/postgres/start_check.h"
#include "tools/sluice/cli/progress.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/generations/listing.h"
#include "tools/sluice/generations/refused.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/published.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{500};
constexpr std::chrono::seconds kUnowned{10};

struct Options {
  std::string domain;
  std::string postgres;
  GenerationOptions made;
  bool wait = false;
};

void print_status(const std::string& domain, std::int64_t number, const std::string& status) {
  print_line(JsonWriter()
                 .begin_object()
                 .field("projection", domain)
                 .field("generation", number)
                 .field("status", status)
                 .end_object()
                 .take());
}

void say(const std::string& line) { std::fprintf(stderr, "sluice rebuild: %s\n", line.c_str()); }

// Of a generation that is awaited. Says once that nobody builds it, which may be what was wanted:
// processes may be started later.
class Wait {
 public:
  Wait(const Options& options, std::string domain, const MadeGeneration& made, bool progress)
      : postgres_(options.postgres),
        domain_(std::move(domain)),
        made_(made),
        progress_(progress, "records of generation " + std::to_string(made.number), 0) {}

  Exit until_ready() {
    for (;;) {
      try {
        if (const auto listed = look()) {
          if (listed->status == "failed" || listed->status == "retired") {
            return print_refused({listed->status, listed->reason.value_or("generation " + number() +
                                                                          " is retired")});
          }
          if (listed->status != "building") {
            print_status(domain_, listed->number, listed->status);
            return Exit::done;
          }
          tell(*listed);
        }
      } catch (const Retryable& away) {
        if (!std::exchange(away_, true)) say(std::string(away.what()) + "; waiting");
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

 private:
  [[nodiscard]] std::string number() const { return std::to_string(made_.number); }

  std::optional<ListedGeneration> look() {
    auto all = list_generations(postgres_, {domain_});
    away_ = false;
    const auto found = std::ranges::find(all, made_.number, &ListedGeneration::number);
    if (found == all.end()) return std::nullopt;
    return *found;
  }

  void tell(const ListedGeneration& listed) {
    const std::int64_t reached = listed.position_sum.value_or(0);
    const std::string left =
        listed.eta_seconds ? ", " + std::to_string(*listed.eta_seconds) + " s left" : "";
    progress_.expect(static_cast<std::uint64_t>(listed.end_sum.value_or(0)),
                     "records of generation " + number() + ": " + listed.phase + left);
    progress_.advance(static_cast<std::uint64_t>(std::max<std::int64_t>(reached - shown_, 0)));
    shown_ = std::max(shown_, reached);
    const auto now = std::chrono::steady_clock::now();
    if (!listed.owners.empty()) unowned_since_ = now;
    if (told_ || now - unowned_since_ < kUnowned) return;
    told_ = true;
    say("nobody builds generation " + number() + " yet: sluice up or sluice project of version " +
        std::to_string(made_.version) + " of the rules does");
  }

  PgConnection postgres_;
  std::string domain_;
  MadeGeneration made_;
  Progress progress_;
  std::int64_t shown_ = 0;
  std::chrono::steady_clock::time_point unowned_since_ = std::chrono::steady_clock::now();
  bool told_ = false;
  bool away_ = false;
};

Exit rebuild(const Options& options, const OutputForm& output) {
  const auto domains = choose_domains({options.domain});
  const std::string domain(domains.front().name);
  // Partitions and what quarantine keeps are the live generation's.
  const auto schemas = schemas_of(domains, 1, std::chrono::hours(24), std::chrono::hours(24));
  if (schemas.empty()) throw Misconfigured(domain + " has no projection: it publishes nothing");
  check_database(options.postgres, {.schemas = schemas});
  if (const auto refused = refuse_another_version(options.postgres, schemas.front())) {
    return print_refused(*refused);
  }
  const MadeGeneration made = make_generation(options.postgres, schemas.front(), options.made);
  if (made.version != schemas.front().version) {
    return print_refused({"another_version", "a program of version " +
                                                 std::to_string(made.version) +
                                                 " of the rules was faster: generation " +
                                                 std::to_string(made.number) + " is its"});
  }
  if (options.wait) return Wait(options, domain, made, output.progress).until_ready();
  print_status(domain, made.number, made.status);
  return Exit::done;
}

}  // namespace

void add_rebuild(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "rebuild",
      "Make another generation of a domain's tables, with this program's rules, beside the one "
      "that readers see: processes that run them fold the log into it from its beginning. While "
      "one is building or ready it answers that one, and sets its share. Exit 1 with "
      "{\"refused\":\"another_version\",...} where that one is by other rules, or all who project "
      "have others.",
      "sluice rebuild deliberation --postgres postgresql://... --wait");
  command.argument("DOMAIN", options->domain, "Whose tables");
  add_postgres_option(command, options->postgres);
  command.duration(
      "dedupe-horizon", options->made.dedupe_horizon, std::chrono::seconds(1),
      "How long an event's id is remembered; as by the live generation when not given");
  command.cores("share", options->made.share,
                "The part of a core that building takes in each process, and of Postgres' time in "
                "proportion; 0.5 when not given. Above 1: of several, up to one a worker");
  command.flag("wait", options->wait,
               "Wait until it is ready to be promoted; exit 1 when it fails or is retired");
  command.runs([options](const OutputForm& output) { return rebuild(*options, output); });
}

}  // namespace sluice
