#include <iostream>
#include <limits>
#include <thread>

#include "storage/base/json_writer.h"
#include "tools/simulate/deliberation.h"
#include "tools/simulate/simulators.h"
#include "tools/sluice/cli/progress.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/poster.h"
#include "tools/sluice/client/producer.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  ProducerOptions producer;
  std::int64_t participants = 5000;
  std::int64_t conversations = 100;
  std::int64_t rate = 0;
  std::chrono::milliseconds lasts{60000};
  std::int64_t seed = 1;
};

// Requests a second, where the rate is given: people do not wait a second for their vote.
constexpr std::int64_t kRequestsASecond = 20;

void post_traffic(const Options& options, Poster& poster, bool shown) {
  const Shutdown shutdown;
  simulate::DeliberationTraffic traffic(static_cast<std::uint64_t>(options.seed),
                                        {.votes = std::numeric_limits<std::int64_t>::max(),
                                         .conversations = static_cast<int>(options.conversations),
                                         .participants = static_cast<int>(options.participants)});
  const auto seconds = [](Clock::duration time) {
    return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time).count());
  };
  Progress progress(shown, "seconds", seconds(options.lasts));
  std::uint64_t told = 0;
  const auto begun = Clock::now();
  std::uint64_t made = 0;
  while (!shutdown.token().stop_requested()) {
    const auto elapsed = Clock::now() - begun;
    if (elapsed >= options.lasts) break;
    progress.advance(seconds(elapsed) - told);
    told = seconds(elapsed);
    const auto due = options.rate == 0 ? std::numeric_limits<double>::max()
                                       : std::chrono::duration<double>(elapsed).count() *
                                             static_cast<double>(options.rate);
    if (static_cast<double>(made) >= due) {
      poster.flush();
      std::this_thread::sleep_for(std::chrono::milliseconds(1000 / kRequestsASecond));
      continue;
    }
    const auto fact = traffic.next();
    if (!fact) break;
    poster.add(simulate::cloud_event(*fact), fact->id);
    ++made;
  }
  poster.flush();
}

Exit simulate_deliberation(const Options& options, const OutputForm& output) {
  HttpClient client(options.producer.http, options.producer.api_key, options.producer.timeout);
  Poster poster(client, "deliberation", options.producer.retry_for);
  poster.batch(static_cast<std::size_t>(options.producer.batch));
  const auto begun = Clock::now();
  try {
    post_traffic(options, poster, output.progress);
  } catch (const Refused& error) {
    std::cerr << "sluice simulate: " << error.what() << "\n";
    return Exit::found;
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  JsonWriter json;
  json.begin_object().field("events", poster.accepted()).field("milliseconds", took.count());
  print_line(json.field("token", poster.token()).end_object().take());
  return Exit::done;
}

}  // namespace

void add_simulate_deliberation(Command& simulate) {
  auto options = std::make_shared<Options>();
  Command command = simulate.command(
      "deliberation", "Conversations, opinions and votes. Ends after --seconds, or at Ctrl-C.",
      "sluice simulate deliberation --http http://127.0.0.1:8080 --rate 500 --seconds 30s");
  add_producer_options(command, options->producer);
  command.number("participants", options->participants, 1, 10'000'000, "How many people take part");
  command.number("conversations", options->conversations, 1, 1'000'000,
                 "How many conversations there are");
  command.number("rate", options->rate, 0, 1'000'000,
                 "Events a second; 0: as fast as they are taken");
  command.duration("seconds", options->lasts, std::chrono::milliseconds(1), "How long");
  command.number("seed", options->seed, 0, std::numeric_limits<std::int64_t>::max(),
                 "Other traffic for another seed; the same events, ids included, for the same");
  command.runs(
      [options](const OutputForm& output) { return simulate_deliberation(*options, output); });
}

}  // namespace sluice
