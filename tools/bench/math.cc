// What the math of opinion groups costs from votes in memory, stage by stage: one thread, cold, CPU
// time. One line of JSON on standard output; tools/bench/run_math makes tables of many.
//
// usage: bench_math FOLDER [options]                       a Polis export
//        bench_math PARTICIPANTS OPINIONS VOTES [options]  a made-up conversation
// options: --runs N    the fastest of so many (5)
//          --votes F   also writes the votes to a file: participant, opinion, choice a line

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "projectors/deliberation/math/document.h"
#include "tests/support/math_votes.h"
#include "tools/bench/cpu_time.h"
#include "tools/import/polis_conversation.h"

namespace sluice::bench {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kStages = 8;

struct Options {
  std::vector<std::string> of;
  int runs = 5;
  std::string votes_file;
};

struct Timing {
  nanoseconds all{0};
  std::array<nanoseconds, kStages> stage{};
  nanoseconds json{0};
  std::size_t json_bytes = 0;
};

double ms(nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

math::Conversation conversation_of(const Options& options) {
  if (options.of.size() == 1) {
    return polis_conversation(read_polis_export(options.of[0])).conversation;
  }
  return testing::grouped_votes(
      {.participants = static_cast<std::uint32_t>(std::stoul(options.of[0])),
       .opinions = static_cast<std::uint32_t>(std::stoul(options.of[1])),
       .votes = std::stoul(options.of[2])});
}

void write_votes(const math::Conversation& conversation, const std::string& path) {
  std::ofstream out(path);
  for (const math::Vote& vote : conversation.votes) {
    out << vote.participant << ',' << vote.opinion << ',' << static_cast<int>(vote.choice) << '\n';
  }
  out << "zeroed";
  for (std::size_t o = 0; o < conversation.opinions.size(); ++o) {
    if (conversation.opinions[o].zeroed()) out << ',' << o;
  }
  out << '\n';
}

// Computes once, and writes the document as it is published.
math::Snapshot run_once(const math::Conversation& conversation, Timing& timing) {
  const nanoseconds begun = thread_cpu_time();
  nanoseconds last = begun;
  auto snapshot = math::compute(conversation, {.done = [&](math::Stage stage) {
                                  const nanoseconds now = thread_cpu_time();
                                  timing.stage[static_cast<std::size_t>(stage)] = now - last;
                                  last = now;
                                }});
  timing.all = thread_cpu_time() - begun;
  const auto participants = numbered(conversation.in_conv.size());
  const auto opinions = numbered(conversation.opinions.size());
  const nanoseconds before = thread_cpu_time();
  std::string out;
  math::write_document(*snapshot, {participants, opinions}, {.participants = false}, out);
  timing.json = thread_cpu_time() - before;
  timing.json_bytes = out.size();
  return std::move(*snapshot);
}

void print(const math::Snapshot& s, const Timing& best) {
  std::printf(
      "{\"votes\":%zu,\"participants\":%zu,\"opinions\":%zu,\"all_ms\":%.3f,\"stages_ms\":{",
      s.votes, s.vote_counts.size(), s.center.size(), ms(best.all));
  for (std::size_t i = 0; i < kStages; ++i) {
    const std::string name(math::name_of(static_cast<math::Stage>(i)));
    std::printf("%s\"%s\":%.3f", i == 0 ? "" : ",", name.c_str(), ms(best.stage[i]));
  }
  std::printf(
      "},\"json_ms\":%.3f,\"json_bytes\":%zu,\"products\":%zu,\"residuals\":[%.1e,%.1e],"
      "\"gaps\":[%.2g,%.2g],\"clustered\":%zu,\"rounds\":%zu,\"peak_mb\":%lld}\n",
      ms(best.json), best.json_bytes, s.components.products, s.components.residuals[0],
      s.components.residuals[1], s.components.gaps[0], s.components.gaps[1], s.in_conv.size(),
      s.base.rounds, peak_memory() / 1'000'000);
}

int run(const Options& options) {
  const math::Conversation conversation = conversation_of(options);
  if (!options.votes_file.empty()) write_votes(conversation, options.votes_file);
  Timing best{.all = std::chrono::hours(1)};
  for (int i = 0; i < options.runs; ++i) {
    Timing timing;
    const math::Snapshot snapshot = run_once(conversation, timing);
    if (timing.all < best.all) best = timing;
    if (i == options.runs - 1) print(snapshot, best);
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--runs" && i + 1 < argc) {
      options.runs = std::atoi(argv[++i]);
    } else if (argument == "--votes" && i + 1 < argc) {
      options.votes_file = argv[++i];
    } else {
      options.of.push_back(argument);
    }
  }
  if (options.of.size() != 1 && options.of.size() != 3) {
    std::fputs("usage: bench_math (FOLDER | PARTICIPANTS OPINIONS VOTES) [--runs N] [--votes F]\n",
               stderr);
    return 2;
  }
  return sluice::bench::run(options);
}
