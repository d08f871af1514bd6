// What folding costs, step by step, without a log and a view: CPU-microseconds an event.
//
// usage: bench_fold [EVENTS] [memory|rocksdb]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "deliberation/events.pb.h"
#include "projectors/deliberation/projection.h"
#include "projectors/engine/fold/partition_fold.h"
#include "schemas/descriptors/rules.h"
#include "storage/base/check.h"
#include "storage/memory/memory_state.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tests/support/temp_dir.h"
#include "tools/bench/cpu_time.h"
#include "tools/simulate/deliberation.h"

namespace sluice::bench {
namespace {

using std::chrono::nanoseconds;

// Events are made in pieces, so that they are as cold as a broker's when they are folded.
constexpr std::size_t kPiece = 30'000;
constexpr std::size_t kDirtyRows = 30'000;
constexpr std::size_t kCachedBytes = std::size_t{64} << 20;
constexpr Time kBegin{std::chrono::milliseconds{1'700'000'000'000}};

struct Event {
  std::string key;
  std::string value;
};

class Events {
 public:
  explicit Events(std::int64_t count) : traffic_(1, shape(count)), left_(count) {}

  // Empty at the end.
  const std::vector<Event>& next() {
    events_.clear();
    while (events_.size() < kPiece && left_ > 0) {
      const auto posted = traffic_.next();
      CHECK(posted.has_value(), "there are more votes than events");
      now_ += std::chrono::milliseconds(left_-- % 8 == 0 ? 1 : 0);
      events_.push_back({posted->key, simulate::envelope(*posted, now_).SerializeAsString()});
    }
    return events_;
  }
  [[nodiscard]] Time now() const { return now_; }

 private:
  static simulate::DeliberationShape shape(std::int64_t count) {
    auto shape = simulate::DeliberationShape::benchmark();
    shape.votes = count;
    return shape;
  }

  simulate::DeliberationTraffic traffic_;
  std::int64_t left_;
  Time now_ = kBegin;
  std::vector<Event> events_;
};

// Adds the CPU of the scope to a step.
class Timed {
 public:
  explicit Timed(nanoseconds& step) : step_(step), begun_(thread_cpu_time()) {}
  ~Timed() { step_ += thread_cpu_time() - begun_; }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  nanoseconds& step_;
  nanoseconds begun_;
};

struct Steps {
  nanoseconds making{0}, decode{0}, rules{0}, dedupe{0}, dedupe_write{0};
  nanoseconds fold{0}, write_dirty{0}, store_write{0};
  nanoseconds background{0};
  std::int64_t events = 0;
  std::size_t rows = 0;
  std::size_t row_bytes = 0;
  int flushes = 0;
};

const Generation& generation() {
  static const Generation made{.projection = "deliberation",
                               .unique_id = "bench",
                               .partitions = 1,
                               .dedupe_horizon = std::chrono::hours(24)};
  return made;
}

// Steps of the fold by themselves, over the same events.
void run_steps(std::int64_t count, Steps& steps) {
  Events events(count);
  MemoryState state(1);
  MemoryStateStore store(state);
  DedupeWindow window(store, generation().dedupe_horizon);
  window.reload();
  StateBatch batch;
  Envelope envelope;
  deliberation::Event event;
  std::int64_t folded = 0;
  for (;;) {
    const auto& piece = events.next();
    if (piece.empty()) break;
    nanoseconds decode_again{0};
    {
      Timed timed(steps.decode);
      for (const Event& e : piece) {
        CHECK(envelope.ParseFromString(e.value) && event.ParseFromString(envelope.payload()),
              "events are well formed");
      }
    }
    {
      Timed timed(decode_again);
      for (const Event& e : piece) {
        CHECK(envelope.ParseFromString(e.value) && event.ParseFromString(envelope.payload()) &&
                  check_rules(event).empty(),
              "events are admissible");
      }
    }
    steps.rules += decode_again;
    {
      Timed timed(steps.dedupe);
      for (std::size_t i = 0; i < piece.size(); ++i) {
        const std::uint64_t n = static_cast<std::uint64_t>(++folded) * 0x9e3779b97f4a7c15;
        const EventId id{n * 0xbf58476d1ce4e5b9, n * 0x94d049bb133111eb};
        CHECK(!window.seen(id, events.now()), "every id is new");
        window.mark(id, n, events.now());
      }
    }
    Timed timed(steps.dedupe_write);
    batch.clear();
    window.write(batch, Offset{folded}, events.now());
    store.write(batch);
  }
  steps.rules -= steps.decode;
}

void run_fold(std::int64_t count, StateStore& store, Steps& steps) {
  Events events(count);
  const Projection projection = describe<Deliberation>("deliberation");
  PartitionFold fold(projection, generation(), Partition{0}, store, {});
  fold.reset();
  StateBatch batch;
  const nanoseconds all_begun = process_cpu();
  const nanoseconds thread_begun = thread_cpu_time();
  for (;;) {
    const auto& piece = events.next();
    for (std::size_t done = 0; done < piece.size();) {
      {
        Timed timed(steps.fold);
        while (done < piece.size() && fold.tables().dirty_rows() < kDirtyRows) {
          const Event& event = piece[done++];
          const bool folded =
              fold.fold({Partition{0}, fold.position(), events.now(), event.key, event.value},
                        Emits::dropped);
          CHECK(folded, "simulated events break no rule");
        }
      }
      if (fold.tables().dirty_rows() < kDirtyRows && done == piece.size()) continue;
      steps.rows += fold.tables().dirty_rows();
      ++steps.flushes;
      batch.clear();
      {
        Timed timed(steps.write_dirty);
        fold.write(batch);
      }
      {
        Timed timed(steps.store_write);
        store.write(batch);
      }
      Timed timed(steps.write_dirty);
      steps.row_bytes += batch.bytes();
      fold.written();
      fold.tables().shrink_to(kCachedBytes);
    }
    if (piece.empty()) break;
  }
  steps.events = fold.position().value;
  steps.background = process_cpu() - all_begun - (thread_cpu_time() - thread_begun);
  CHECK(fold.outcomes().rejections.empty() && fold.outcomes().quarantined.empty(),
        "simulated events are admissible");
}

void print(const char* what, nanoseconds took, std::int64_t events) {
  std::printf("| %-36s | %6.3f |\n", what,
              static_cast<double>(took.count()) / 1e3 / static_cast<double>(events));
}

void print(const char* store, const Steps& steps) {
  const auto n = static_cast<double>(steps.events);
  std::printf("\n%s: %.0f events, %.3f rows and %.0f bytes an event, %d flushes\n\n", store, n,
              static_cast<double>(steps.rows) / n, static_cast<double>(steps.row_bytes) / n,
              steps.flushes);
  std::printf("| %-36s | us/event |\n|---|---|\n", "step");
  print("fold (with decode, rules, dedupe)", steps.fold, steps.events);
  print("write_dirty, shrink", steps.write_dirty, steps.events);
  print("store.write", steps.store_write, steps.events);
  print("the store's threads", steps.background, steps.events);
  print("all", steps.fold + steps.write_dirty + steps.store_write + steps.background, steps.events);
}

int run(std::int64_t count, std::string_view only) {
  Steps steps;
  if (only.empty()) {
    run_steps(count, steps);
    std::printf("| %-36s | us/event |\n|---|---|\n", "step by itself");
    print("decode", steps.decode, count);
    print("rules", steps.rules, count);
    print("dedupe: seen, mark", steps.dedupe, count);
    print("dedupe: write", steps.dedupe_write, count);
  }
  if (only.empty() || only == "memory") {
    Steps memory;
    MemoryState state(1);
    MemoryStateStore store(state);
    run_fold(count, store, memory);
    print("memory", memory);
  }
  if (only.empty() || only == "rocksdb") {
    Steps rocks;
    const testing::TempDir folder;
    const RocksResources resources(std::size_t{128} << 20, 1);
    RocksStateStore store(folder.path() / "state", resources);
    run_fold(count, store, rocks);
    print("rocksdb", rocks);
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  const std::int64_t count = argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 2'000'000;
  return sluice::bench::run(count, argc > 2 ? argv[2] : "");
}
