#include "storage/memory/memory_swap.h"

#include <catch2/catch.hpp>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_builder.h"
#include "storage/memory/memory_comparison.h"
#include "storage/memory/memory_sink.h"
#include "tests/contract/building.h"
#include "tests/contract/generation_swap_contract.h"

namespace sluice::testing {
namespace {

constexpr int kPartitions = 2;

class MemoryReaderUnderTest final : public ReaderUnderTest {
 public:
  MemoryReaderUnderTest(MemoryReaders& readers, std::vector<const MemoryViews*> generations)
      : generations_(std::move(generations)), snapshot_(readers, generations_) {}

  std::optional<Shown> read() override {
    for (const MemoryViews* each : generations_) {
      if (!each->generation().live) continue;
      try {
        return of(snapshot_.read(*each));
      } catch (const Retryable&) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

 private:
  static Shown of(const MemoryViews& views) {
    Shown shown;
    views.for_each_row<shapes::OnlyKey>([&](const shapes::OnlyKey& row) {
      shown.generation = row.id() == "first" ? 1 : row.id() == "second" ? 2 : 3;
    });
    views.for_each_row<shapes::Summary>([&](const shapes::Summary& row) {
      shown.as_of = std::max<std::int64_t>(shown.as_of, row.as_of());
    });
    return shown;
  }
  const std::vector<const MemoryViews*> generations_;
  MemorySnapshot snapshot_;
};

class MemorySwapUnderTest final : public SwapUnderTest {
 public:
  MemorySwapUnderTest() {
    second_.build_beside(first_);
    MemoryBuilder builder(other_);
    for (int p = 0; p < kPartitions; ++p) {
      live_.claim(Partition{p}, "owner1");
      flush_ids(live_, Partition{p}, "owner1", true, 0, 10);
      other_.claim(Partition{p}, "owner2");
      load_ids(builder, Partition{p}, "owner2", 10, {});
    }
    builder.note_ready(0);
    name(first_, "first");
    name(second_, "second");
  }

  ProjectionSink& live() override { return live_; }
  ProjectionSink& other() override { return other_; }
  using SwapUnderTest::swap;
  std::unique_ptr<SwapSession> swap(SwapKind kind, SwappedPair pair) override {
    return std::make_unique<MemorySwap>(
        MemoryPair{views(pair.live), views(pair.other), [this] { return made_; }}, readers_, kind);
  }
  void build_third(bool ready) override {
    third_.build_beside(second_);
    made_.push_back(&third_);
    name(third_, "third");
    MemorySink sink(third_);
    MemoryBuilder builder(sink);
    for (int p = 0; p < kPartitions && ready; ++p) {
      sink.claim(Partition{p}, "owner3");
      load_ids(builder, Partition{p}, "owner3", 10, {});
    }
    builder.note_ready(0);
  }
  std::string statuses() override {
    std::string all;
    for (const MemoryViews* each : made_) {
      all += (all.empty() ? "" : " ") + std::string(word_of(each->status()));
    }
    return all;
  }
  void let_promote_itself() override { second_.promote_itself(); }
  std::int64_t as_of(int generation) override {
    std::int64_t found = 0;
    views(generation).for_each_row<shapes::Summary>([&](const shapes::Summary& row) {
      found = row.as_of();
    });
    return found;
  }
  void share(int generation, double value) override {
    shapes::Share row;
    row.set_id("a");
    row.set_value(value);
    views(generation).put(row);
  }
  std::string compared(const std::string& table) override {
    const auto found = compare(first_, second_)[table];
    std::string text = std::to_string(found.same);
    for (const auto* rows : {&found.added, &found.missing, &found.changed, &found.undecided}) {
      text += " " + std::to_string(rows->size());
    }
    return text;
  }
  std::unique_ptr<ComparisonSession> comparison() override {
    return std::make_unique<MemoryComparison>(MemoryPair{first_, second_});
  }
  std::unique_ptr<ReaderUnderTest> reader() override {
    return std::make_unique<MemoryReaderUnderTest>(
        readers_, std::vector<const MemoryViews*>{made_.begin(), made_.end()});
  }
  void summarize(int generation, std::int64_t as_of, bool due) override {
    shapes::Summary row;
    row.set_id("a");
    row.set_as_of(as_of);
    views(generation).put(row);
    const std::vector<std::string> keys{"a"};
    FlushBatch batch{};
    batch.owner = generation == 1 ? "owner1" : "owner2";
    batch.live = generation == 1;
    batch.from = batch.to = batch.log_end = Offset{10};
    batch.digest_at_from = batch.digest_at_to = digest_before(10);
    (due ? batch.became_due : batch.caught_up) = keys;
    (generation == 1 ? live_ : other_).flush(batch);
  }
  bool hurries() override { return second_.hurries(); }
  bool waits(std::function<void()> work) override {
    try {
      work();
      return false;
    } catch (const Retryable&) {
      waiting_ = std::move(work);
      return true;
    }
  }
  void settle() override { waiting_(); }

 private:
  static void name(MemoryViews& views, const char* id) {
    shapes::OnlyKey row;
    row.set_id(id);
    views.put(row);
  }
  MemoryViews& views(int generation) {
    return generation == 1 ? first_ : generation == 2 ? second_ : third_;
  }

  MemoryViews first_{Generation{"shapes", 1, "one", 1, kPartitions, {}, {}, true}};
  MemoryViews second_{Generation{"shapes", 2, "two", 1, kPartitions, {}, {}, false}};
  MemoryViews third_{Generation{"shapes", 3, "three", 1, kPartitions, {}, {}, false}};
  std::vector<MemoryViews*> made_{&first_, &second_};
  MemorySink live_{first_};
  MemorySink other_{second_};
  MemoryReaders readers_;
  std::function<void()> waiting_;
};

}  // namespace

TEST_CASE("comparing and swapping in memory keep the contract") {
  generation_swap_contract([] { return std::make_unique<MemorySwapUnderTest>(); });
}

TEST_CASE("generations after swaps in memory keep the contract") {
  swapped_roles_contract([] { return std::make_unique<MemorySwapUnderTest>(); });
}

TEST_CASE("who sleeps in a swap in memory has nothing when it wakes") {
  auto now = MemoryViews::Clock::result_type{};
  const auto clock = [&] { return now; };
  MemoryViews live({"shapes", 1, "one", 1, kPartitions, {}, {}, true}, clock);
  MemoryViews other({"shapes", 2, "two", 1, kPartitions, {}, {}, false}, clock);
  other.build_beside(live);
  MemorySink sink(live);
  MemoryReaders readers;
  MemoryComparison comparing({live, other});
  comparing.lock_live();
  CHECK_THROWS_AS(sink.claim(Partition{0}, "owner"), Retryable);
  now += std::chrono::seconds(2);
  sink.claim(Partition{0}, "owner");

  MemorySwap swapping({live, other}, readers, SwapKind::promote);
  (void)swapping.begin();
  swapping.lock_live();
  now += std::chrono::seconds(2);
  sink.claim(Partition{0}, "owner");
  CHECK_THROWS_AS(swapping.lock_other(), Retryable);
  CHECK_FALSE(swapping.commit());
}

}  // namespace sluice::testing
