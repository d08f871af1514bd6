// What threads beside a worker ask of the partitions that it owns.

#include "projectors/engine/run/errands.h"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "sluice/state.pb.h"
#include "storage/base/errors.h"
#include "tests/simulation/watched_process.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::kOnly;
using Process = testing::WatchedProcess;

const ErrandPlace kPlace{"tally", 1, kOnly};
constexpr milliseconds kLong = std::chrono::minutes(5);  // of real time, which does not pass here

std::future<bool> ask(Process& process, const Errands::Work& work, milliseconds patience = kLong,
                      const ErrandPlace& place = kPlace) {
  return std::async(std::launch::async, [&process, &work, patience, place] {
    return process.errands.ask(place, work, patience);
  });
}

// The worker takes turns until the answer is there.
bool answered(Process& process, std::future<bool>& answer) {
  while (answer.wait_for(milliseconds{0}) != std::future_status::ready) {
    process.live(milliseconds{500});
  }
  return answer.get();
}

std::int64_t stored_position(StateStore& store) {
  std::string bytes;
  StateCheckpoint head;
  if (store.get("head", bytes)) head.ParseFromString(bytes);
  return head.position();
}

}  // namespace

TEST_CASE("an errand finds state exactly as of its checkpoint, whatever is folded behind that") {
  Process process;
  process.live(milliseconds{1000});
  int times = 0;
  for (int i = 0; i < 20; ++i) {
    process.add("b", "m" + std::to_string(i));
    const Errands::Work work = [&](OwnedPartition& owned) {
      ++times;
      CHECK(owned.partition == kOnly);
      CHECK(owned.generation.unique_id == "g");
      CHECK(stored_position(owned.store) == owned.written.value);
      CHECK(owned.written <= owned.flushed);
      CHECK_FALSE(owned.replaying);
    };
    auto answer = ask(process, work);
    CHECK(answered(process, answer));
  }
  CHECK(times == 20);
  process.live(milliseconds{1000});
  CHECK(process.views.position(kOnly).position == Offset{20});
}

TEST_CASE("what an errand throws reaches who asked, and the worker goes on") {
  Process process;
  process.live(milliseconds{1000});
  const Errands::Work work = [](OwnedPartition&) { throw Misconfigured("no such folder"); };
  auto answer = ask(process, work);
  CHECK_THROWS_WITH(answered(process, answer), "no such folder");
  process.add("b", "m");
  process.live(milliseconds{1000});
  CHECK(process.troubles().empty());
  CHECK(process.views.position(kOnly).position == Offset{1});
}

TEST_CASE("an errand that nobody here can do is not done later") {
  Process process;
  process.live(milliseconds{1000});
  bool done = false;
  const Errands::Work work = [&](OwnedPartition&) { done = true; };
  for (const ErrandPlace& place :
       {ErrandPlace{"tally", 2, kOnly}, ErrandPlace{"tally", 1, Partition{1}},
        ErrandPlace{"roster", 1, kOnly}}) {
    auto answer = ask(process, work, milliseconds{1}, place);
    CHECK_FALSE(answered(process, answer));
  }
  // The same of its own, while it takes no turns.
  CHECK_FALSE(ask(process, work, milliseconds{1}).get());
  process.live(milliseconds{1000});
  CHECK_FALSE(done);
  CHECK_FALSE(process.errands.any());
}

TEST_CASE("an errand that was begun is waited for, however patient who asked is") {
  using Clock = std::chrono::steady_clock;
  Process process;
  process.live(milliseconds{1000});
  constexpr milliseconds kPatience{50};
  bool ended = false;
  const Errands::Work work = [&](OwnedPartition&) {
    for (const auto end = Clock::now() + 4 * kPatience; Clock::now() < end;) {
      std::this_thread::yield();
    }
    ended = true;
  };
  // On a machine that is slow it may not be begun in time.
  while (!ended) {
    auto answer = ask(process, work, kPatience);
    const bool done = answered(process, answer);
    CHECK(done == ended);
  }
}

TEST_CASE("no more errands wait than there is room for") {
  Process process;
  const Errands::Work work = [](OwnedPartition&) {};
  std::vector<std::future<bool>> answers;
  int refused = 0;
  for (int i = 0; i < 100; ++i) answers.push_back(ask(process, work));
  const auto settled = [&] {
    return std::ranges::count_if(answers, [](const auto& each) {
      return each.wait_for(milliseconds{0}) == std::future_status::ready;
    });
  };
  while (settled() < 36) std::this_thread::yield();
  process.live(milliseconds{1000});
  for (auto& answer : answers) {
    try {
      const bool done = answered(process, answer);
      CHECK(done);
    } catch (const Retryable&) {
      ++refused;
    }
  }
  CHECK(refused == 36);
}

}  // namespace sluice
