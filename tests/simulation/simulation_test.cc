#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

#include <spdlog/spdlog.h>

#include "tests/simulation/world.h"

namespace sluice::simulation {
namespace {

// SLUICE_SEEDS=n tries more; SLUICE_SEED=s tries one, with the engine's own log.
std::uint64_t number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

constexpr int kSteps = 240;
constexpr std::uint64_t kSeeds = 1000;

// What so many seeds go through of generations, and how often at least: else their promises are
// shown by nothing.
struct AtLeast {
  const char* what;
  int times = 1;
};
constexpr AtLeast kOfGenerations[] = {
    {"rebuild by mended rules"},
    {"key alone by other rules"},
    {"compared by mended rules"},
    {"promote done"},
    {"rollback done"},
    {"compared"},
    {"compared two versions"},
    {"command hangs"},
    {"program replaced"},
    {"left to another program"},
    {"snapshot read"},
    {"snapshot told to begin again"},
    {"killed: promote before lock_live"},
    {"killed: promote before look"},
    {"killed: promote before lock_other"},
    {"killed: promote before require_computed"},
    {"killed: promote before mark"},
    {"killed: promote before await_snapshots"},
    {"killed: promote before show"},
    {"told to hurry", 5},
    {"told to hurry at the end", 60},
    {"killed: compare with a lock"},
    {"rebuild beside one that stands", 20},
    {"promoted over one that stood", 20},
    {"third shown at the end", 20},
    {"standing one retired"},
    {"new version made by itself", 100},
    {"promote itself done", 5},
    {"promote itself was done already"},
    {"promote itself refused: decided", 60},
    {"program sleeps as it promotes itself", 60},
    {"killed: promote itself compares"},
    {"killed: promote itself before begin"},
    {"killed: promote before hurry", 10},
    {"killed: promote before await_computed", 10},
    {"killed: promote before await_computed_held"},
    {"killed while others hurry", 40},
    {"program killed while it hurries", 20},
    {"hurry over", 30},
    {"oversleeps its locks", 30},
};

TEST_CASE("whatever happens, the view is the fold of a prefix of the log") {
  const std::uint64_t first = number("SLUICE_SEED", 1);
  const bool one = std::getenv("SLUICE_SEED") != nullptr;
  const std::uint64_t seeds = one ? 1 : number("SLUICE_SEEDS", kSeeds);
  spdlog::set_level(one ? spdlog::level::debug : spdlog::level::off);
  std::map<std::string, int> happened;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    try {
      World world(seed);
      world.run(kSteps);
      for (const auto& [fault, times] : world.happened()) happened[fault] += times;
    } catch (const Broken& broken) {
      FAIL("seed " << seed << ": " << broken.what() << "\nreplay it with SLUICE_SEED=" << seed);
    }
  }
  for (const auto& [fault, times] : happened) std::cout << times << " x " << fault << '\n';
  CHECK(happened.size() >= 20);
  for (const auto& [what, times] : kOfGenerations) {
    INFO(what);
    CHECK((seeds < kSeeds || happened[what] >= times));
  }
}

TEST_CASE("a seed replays identically") {
  spdlog::set_level(spdlog::level::off);
  World first(7);
  World second(7);
  first.run(kSteps);
  second.run(kSteps);
  CHECK(first.happened() == second.happened());
}

}  // namespace
}  // namespace sluice::simulation
