#include "projectors/engine/computed/computation_queue.h"

#include <catch2/catch.hpp>
#include <optional>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Key = ComputationQueue::Key;

const ComputationQueue::Clock::time_point kStart{1h};

// A virtual clock, and a queue on it.
struct Queue : ComputationQueue {
  explicit Queue(std::size_t keys = 1000)
      : ComputationQueue({.interval_min = 1000ms, .interval_times = 10, .keys_max = keys}) {}

  bool change(const std::string& name, std::int64_t at, std::uint64_t size = 100,
              std::uint64_t partition = 1, std::optional<std::uint64_t> changes = std::nullopt) {
    return offer({partition, name}, {Offset{at}, size, changes}, now);
  }
  // The name of what is begun, reading the state at `as_of`; "": nothing is.
  std::string start(std::int64_t as_of) {
    const auto key = begin(now);
    if (!key) return "";
    reads(*key, Offset{as_of});
    return key->name;
  }
  void end(const std::string& name, std::chrono::nanoseconds took, std::uint64_t partition = 1) {
    ended({partition, name}, took);
  }

  ComputationQueue::Clock::time_point now = kStart;
};

}  // namespace

TEST_CASE("due when it changed since as_of") {
  Queue queue;
  CHECK(queue.start(0).empty());
  queue.change("c", 5);
  CHECK(queue.start(7) == "c");
  // Flushed before the snapshot, heard of after it.
  queue.change("c", 7);
  queue.end("c", 1ms);
  queue.now += 1h;
  CHECK(queue.start(7).empty());
  queue.change("c", 8);
  CHECK(queue.start(8) == "c");
}

TEST_CASE("what changes between its beginning and its snapshot is in the snapshot") {
  Queue queue;
  queue.change("c", 5);
  const auto key = queue.begin(queue.now);
  queue.change("c", 6);
  queue.reads(*key, Offset{6});
  queue.end("c", 1ms);
  queue.now += 1h;
  CHECK(queue.start(6).empty());
}

TEST_CASE("one at a time per key, and again when it changed meanwhile") {
  Queue queue;
  queue.change("c", 5);
  CHECK(queue.start(5) == "c");
  queue.change("c", 6);
  queue.now += 1h;
  CHECK(queue.start(6).empty());
  queue.end("c", 1ms);
  CHECK(queue.start(6) == "c");
}

TEST_CASE("at least the interval apart, and at most a tenth of the time spent on it") {
  const auto [took, apart] = GENERATE(table<std::chrono::milliseconds, std::chrono::milliseconds>(
      {{1ms, 1000ms}, {100ms, 1000ms}, {101ms, 1010ms}, {3000ms, 30000ms}}));
  Queue queue;
  queue.change("c", 5);
  CHECK(queue.start(5) == "c");
  queue.end("c", took);
  queue.change("c", 6);
  CHECK(queue.next_begin() == kStart + apart);
  queue.now = kStart + apart - 1ms;
  CHECK(queue.start(6).empty());
  queue.now += 1ms;
  CHECK(queue.start(6) == "c");
}

TEST_CASE("while a partition hurries its keys begin whatever their pace") {
  constexpr std::uint64_t kSize = 10'000;
  Queue queue;
  for (const std::uint64_t partition : {1, 2}) {
    queue.change("c", 5, kSize, partition, 100);
    CHECK(queue.start(5) == "c");
    queue.end("c", 3000ms, partition);
    queue.change("c", 6, kSize, partition, 101);
  }
  CHECK(queue.start(6).empty());
  queue.hurry(1, true);
  const auto key = queue.begin(queue.now);
  REQUIRE((key && key->partition == 1));
  CHECK(queue.start(6).empty());  // the other partition's has its pace
  // What changes while it is computed, and what comes anew.
  queue.reads(*key, Offset{6});
  queue.change("c", 7, kSize, 1, 102);
  queue.change("d", 7);
  queue.end("c", 3000ms);
  CHECK(queue.start(7) == "d");
  CHECK(queue.start(7) == "c");
  SECTION("one that fails waits as ever") {
    queue.failed({1, "d"}, queue.now);
    CHECK(queue.start(7).empty());
  }
  SECTION("and then have it again") {
    queue.hurry(1, false);
    queue.end("c", 3000ms);
    queue.change("c", 8, kSize, 1, 103);
    queue.now += 29s;
    CHECK(queue.count(1, queue.now).due == 1);
    queue.change("e", 8, 100, 1);
    CHECK(queue.start(8) == "e");
    CHECK(queue.start(8).empty());
  }
}

TEST_CASE("what has changed little waits for more, or for five times as long") {
  constexpr std::uint64_t kSize = 10'000;
  Queue queue;
  queue.change("c", 5, kSize, 1, 100);
  CHECK(queue.start(5) == "c");
  queue.end("c", 1ms);
  queue.change("c", 6, kSize, 1, 101);
  CHECK(queue.next_begin() == kStart + 5000ms);
  queue.now = kStart + 2000ms;
  queue.change("c", 7, kSize, 1, 199);
  CHECK(queue.next_begin() == kStart + 5000ms);
  SECTION("more comes") {
    queue.change("c", 8, kSize, 1, 200);
    CHECK(queue.start(8) == "c");
  }
  SECTION("no more comes") {
    queue.now = kStart + 5000ms;
    CHECK(queue.start(7) == "c");
  }
}

TEST_CASE("of a small one every change is much, and so is one whose amount nobody counts") {
  const auto changes = GENERATE(std::optional<std::uint64_t>(100), std::optional<std::uint64_t>());
  Queue queue;
  queue.change("c", 5, changes ? 100 : 1'000'000, 1, changes);
  CHECK(queue.start(5) == "c");
  queue.end("c", 1ms);
  queue.change("c", 6, changes ? 100 : 1'000'000, 1,
               changes ? std::optional(*changes + 1) : changes);
  CHECK(queue.next_begin() == kStart + 1000ms);
}

TEST_CASE("little of one that was computed just now waits also when it was quiet meanwhile") {
  Queue queue;
  queue.change("c", 5, 10'000, 1, 100);
  CHECK(queue.start(5) == "c");
  queue.end("c", 1ms);
  queue.now = kStart + 3000ms;
  queue.change("other", 6);
  queue.change("c", 7, 10'000, 1, 101);
  CHECK(queue.start(7) == "other");
  CHECK(queue.next_begin() == kStart + 5000ms);
}

TEST_CASE("what failed is tried again however little has changed") {
  Queue queue;
  queue.change("c", 5, 10'000, 1, 100);
  CHECK(queue.start(5) == "c");
  queue.failed({1, "c"}, queue.now);
  queue.change("c", 6, 10'000, 1, 101);
  CHECK(queue.next_begin() == kStart + 1000ms);
}

TEST_CASE("smallest first") {
  Queue queue;
  queue.change("large", 5, 1'000'000);
  queue.change("small", 5, 10);
  queue.change("middle", 5, 10'000);
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) order.push_back(queue.start(5));
  CHECK(order == std::vector<std::string>{"small", "middle", "large"});
}

TEST_CASE("large ones are never starved") {
  // Ten small ones, due again as soon as they may be, would fill all of the time.
  Queue queue;
  constexpr int kSmall = 10;
  queue.change("large", 1, 10'000'000);
  int begun = 0;
  for (std::string name; name != "large" && begun < 10'000; ++begun) {
    for (int i = 0; i < kSmall; ++i) queue.change(std::to_string(i), begun + 2, 10);
    name = queue.start(begun + 2);
    queue.now += 100ms;
    if (!name.empty()) queue.end(name, 100ms);
  }
  CHECK(begun > kSmall);
  CHECK(begun < 10'000);
}

TEST_CASE("what it once took counts, not its size") {
  Queue queue;
  queue.change("slow", 1, 10);
  CHECK(queue.start(1) == "slow");
  queue.end("slow", 5s);
  queue.now += 45s;
  queue.change("slow", 2, 10);
  queue.change("large", 2, 10'000);
  queue.now += 10s;
  CHECK(queue.start(2) == "large");
  CHECK(queue.start(2) == "slow");
}

TEST_CASE("what is withdrawn is not begun until it is offered again") {
  Queue queue;
  queue.change("c", 5);
  queue.withdraw({1, "c"});
  CHECK(queue.start(5).empty());
  CHECK(queue.next_begin() == ComputationQueue::Clock::time_point::max());
  queue.change("c", 6);
  CHECK(queue.start(6) == "c");
}

TEST_CASE("a partition that goes takes its keys along, what runs of it ends without a trace") {
  Queue queue;
  queue.change("a", 5);
  queue.change("b", 5);
  queue.change("other", 5, 100, 2);
  const std::string running = queue.start(5);
  queue.drop(1);
  queue.end(running, 1ms);
  queue.failed({1, "a"}, queue.now);
  CHECK(queue.start(5) == "other");
  CHECK(queue.start(5).empty());
}

TEST_CASE("what failed is tried again, each time later") {
  Queue queue;
  queue.change("c", 5);
  std::vector<std::chrono::seconds> waits;
  for (int i = 0; i < 9; ++i) {
    const auto key = queue.begin(queue.now);
    REQUIRE(key);
    queue.reads(*key, Offset{5});
    queue.failed(*key, queue.now);
    waits.push_back(std::chrono::floor<std::chrono::seconds>(queue.next_begin() - queue.now));
    queue.now = queue.next_begin();
  }
  CHECK(waits == std::vector<std::chrono::seconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s});
}

TEST_CASE("keys are bounded by partition; those that are done make room") {
  Queue queue(4);
  for (const char* name : {"a", "b", "c", "d"}) CHECK(queue.change(name, 5));
  CHECK_FALSE(queue.change("e", 5));
  CHECK(queue.change("a", 6));
  CHECK(queue.change("x", 5, 100, 2));
  CHECK_FALSE(queue.has_room(1, queue.now));
  CHECK(queue.has_room(2, queue.now));
  for (int i = 0; i < 5; ++i) {
    const std::string name = queue.start(6);
    queue.end(name, 1ms, name == "x" ? 2 : 1);
  }
  queue.now += 1h;
  CHECK(queue.change("x", 7, 100, 2));
  CHECK(queue.has_room(1, queue.now));
  CHECK(queue.change("e", 7));
}

TEST_CASE("it is counted what is due and runs, and how long the oldest waits") {
  Queue queue;
  queue.change("a", 5);
  queue.now += 10s;
  queue.change("b", 5);
  queue.now += 2s;
  CHECK(queue.count(queue.now).due == 2);
  CHECK(queue.count(queue.now).oldest_due == 12s);
  CHECK(queue.start(5) == "a");
  CHECK(queue.count(queue.now).due == 1);
  CHECK(queue.count(queue.now).running == 1);
  CHECK(queue.count(queue.now).oldest_due == 2s);
}

TEST_CASE("it is counted by partition, and how many fail") {
  Queue queue;
  queue.change("a", 5);
  queue.change("b", 5);
  queue.change("a", 5, 100, 2);
  CHECK(queue.start(5) == "a");
  CHECK(queue.count(1, queue.now).due + queue.count(2, queue.now).due == 2);
  CHECK(queue.count(1, queue.now).running + queue.count(2, queue.now).running == 1);
  queue.drop(2);
  while (!queue.start(5).empty()) queue.now += 1s;
  CHECK(queue.count(1, queue.now).running == 2);
  CHECK(queue.count(2, queue.now).running == 0);
  queue.failed({1, "a"}, queue.now);
  CHECK(queue.count(1, queue.now).failing == 1);
  CHECK(queue.count(2, queue.now).failing == 0);
  queue.now += 1h;
  CHECK(queue.start(5) == "a");
  CHECK(queue.count(1, queue.now).failing == 1);
  queue.end("a", 1ms);
  CHECK(queue.count(1, queue.now).failing == 0);
}

}  // namespace sluice
