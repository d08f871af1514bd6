#include <iostream>
#include <limits>
#include <thread>

#include "storage/base/json_writer.h"
#include "tools/simulate/auction.h"
#include "tools/simulate/simulators.h"
#include "tools/sluice/cli/progress.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/poster.h"
#include "tools/sluice/client/producer.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;
using simulate::AuctionTraffic;
using std::chrono::milliseconds;

struct Options {
  ProducerOptions producer;
  std::string session_id;
  std::int64_t users = 1000;
  std::int64_t inventory = 10;
  milliseconds lasts{300'000};
  bool full_speed = false;
  std::int64_t seed = 1;
};

// How long a bid may wait for others to go with it: bidders do not wait a second.
constexpr milliseconds kTogether{20};

class Sale {
 public:
  Sale(const Options& options, Poster& poster, bool shown)
      : options_(options),
        poster_(poster),
        traffic_(static_cast<std::uint64_t>(options.seed),
                 {.session_id = options.session_id,
                  .users = static_cast<int>(options.users),
                  .seconds = std::chrono::duration<double>(options.lasts).count(),
                  .inventory = static_cast<int>(options.inventory)}),
        progress_(shown, "seconds",
                  static_cast<std::uint64_t>(
                      std::chrono::floor<std::chrono::seconds>(options.lasts).count())) {}

  void run() {
    const auto starts = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
    post(traffic_.created(starts, !options_.full_speed));
    poster_.flush();
    begun_ = Clock::now();
    for (;;) {
      const auto bid = traffic_.next();
      if (!bid) break;
      if (!options_.full_speed && !wait_until(bid->at)) return;
      if (shutdown_.token().stop_requested()) return;
      show(bid->at);
      post(bid->fact);
    }
    // At its own pace the session ends by its time.
    if (options_.full_speed) post(traffic_.closed());
  }

 private:
  void post(const AuctionTraffic::Fact& fact) { poster_.add(simulate::cloud_event(fact), fact.id); }
  // False when it is stopped before.
  bool wait_until(double seconds) {
    const auto due = begun_ + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(seconds));
    while (Clock::now() < due) {
      if (shutdown_.token().stop_requested()) return false;
      poster_.flush();
      std::this_thread::sleep_until(std::min(due, Clock::now() + kTogether));
    }
    return true;
  }
  void show(double seconds) {
    const auto whole = static_cast<std::uint64_t>(seconds);
    progress_.advance(whole - shown_);
    shown_ = whole;
  }

  const Options& options_;
  Poster& poster_;
  AuctionTraffic traffic_;
  Progress progress_;
  const Shutdown shutdown_;
  Clock::time_point begun_;
  std::uint64_t shown_ = 0;
};

Exit simulate_auction(Options options, const OutputForm& output) {
  if (options.session_id.empty()) options.session_id = "flash-" + std::to_string(options.seed);
  HttpClient client(options.producer.http, options.producer.api_key, options.producer.timeout);
  Poster poster(client, "auction", options.producer.retry_for);
  poster.batch(static_cast<std::size_t>(options.producer.batch));
  const auto begun = Clock::now();
  try {
    Sale(options, poster, output.progress).run();
    poster.flush();
  } catch (const Refused& error) {
    std::cerr << "sluice simulate: " << error.what() << "\n";
    return Exit::found;
  }
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  JsonWriter json;
  json.begin_object().field("session_id", options.session_id).field("events", poster.accepted());
  json.field("milliseconds", took.count()).field("token", poster.token());
  print_line(json.end_object().take());
  return Exit::done;
}

}  // namespace

void add_simulate_auction(Command& simulate) {
  auto options = std::make_shared<Options>();
  Command command = simulate.command(
      "auction",
      "A flash sale: users who bid again and again, faster the nearer the end. Starts now; ends by "
      "its time, or, at full speed, when all bids are placed.",
      "sluice simulate auction --http http://127.0.0.1:8080 --users 1000 --seconds 60s");
  add_producer_options(command, options->producer);
  command.text("session-id", options->session_id, "Id of the session; flash-SEED when not given");
  command.number("users", options->users, 1, 1'000'000, "How many people bid");
  command.number("inventory", options->inventory, 1, 1'000'000, "How many items are sold");
  command.duration("seconds", options->lasts, milliseconds(1000), "How long the session lasts");
  command.flag("full-speed", options->full_speed,
               "Post as fast as it is taken what would have lasted so long");
  command.number("seed", options->seed, 0, std::numeric_limits<std::int64_t>::max(),
                 "Other bids for another seed; the same, ids included, for the same");
  command.runs([options](const OutputForm& output) { return simulate_auction(*options, output); });
}

}  // namespace sluice
