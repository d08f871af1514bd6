#include "storage/memory/memory_builder.h"

#include <catch2/catch.hpp>

#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_swap.h"
#include "tests/contract/generation_builder_contract.h"
#include "tests/contract/memory_seen.h"

namespace sluice::testing {
namespace {

class MemoryBuilderUnderTest final : public BuilderUnderTest {
 public:
  MemoryBuilderUnderTest() { views_.build_beside(live_views_); }
  ProjectionSink& live() override { return live_; }
  ProjectionSink& sink() override { return sink_; }
  GenerationBuilder& builder() override { return builder_; }
  void lose_next_answer(bool went_through) override {
    sink_.lose_next_answer(went_through ? LostAnswer::committed : LostAnswer::not_committed);
  }
  BuildingSession another() override { return session_of(views_); }
  BuildingSession another_of_live() override { return session_of(live_views_); }
  void swap() override {
    builder_.note_ready(0);
    MemoryReaders readers;
    MemorySwap session({live_views_, views_}, readers, SwapKind::promote);
    const auto now = GenerationSwap::Clock::now();
    GenerationSwap swap(session, "generation 2", {}, now);
    auto ended = swap.step(now);
    while (!ended) ended = swap.step(now);
    REQUIRE(std::holds_alternative<Positions>(*ended));
  }
  void hurry(bool hurries) override { views_.hurry_for(std::chrono::hours{hurries ? 1 : 0}); }
  [[nodiscard]] const SeenView& seen() const override { return seen_; }
  [[nodiscard]] bool ready() const override { return views_.status() == GenerationStatus::ready; }

 private:
  static BuildingSession session_of(MemoryViews& views) {
    auto sink = std::make_unique<MemorySink>(views);
    auto builder = std::make_unique<MemoryBuilder>(*sink);
    return {std::move(sink), std::move(builder)};
  }
  MemoryViews live_views_{Generation{"shapes", 1, "one", 1, 2, {}, {}, true}};
  MemoryViews views_{Generation{"shapes", 2, "two", 1, 2, {}, {}, false}};
  MemorySink live_{live_views_};
  MemorySink sink_{views_};
  MemoryBuilder builder_{sink_};
  MemorySeen seen_{views_};
};

}  // namespace

TEST_CASE("the builder in memory keeps the contract") {
  generation_builder_contract([] { return std::make_unique<MemoryBuilderUnderTest>(); });
}

}  // namespace sluice::testing
