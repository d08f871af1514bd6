#include "storage/memory/memory_builder.h"

#include <catch2/catch.hpp>

#include "shapes/tables.pb.h"
#include "storage/memory/memory_sink.h"
#include "tests/contract/generation_builder_contract.h"

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
  void swap() override { REQUIRE(MemoryViews::swap(live_views_, views_)); }

  [[nodiscard]] std::vector<std::string> ids() const override {
    std::vector<std::string> ids;
    views_.for_each_row<shapes::OnlyKey>(
        [&](const shapes::OnlyKey& row) { ids.push_back(row.id()); });
    return ids;
  }
  [[nodiscard]] std::vector<std::int64_t> rejected(Partition partition) const override {
    return positions(views_.rejections(partition));
  }
  [[nodiscard]] std::vector<std::int64_t> quarantined(Partition partition) const override {
    return positions(views_.quarantined(partition));
  }
  [[nodiscard]] std::vector<std::int64_t> aged_out(Partition partition) const override {
    auto all = views_.quarantined(partition);
    std::erase_if(all, [](const QuarantinedRecord& record) { return record.value.has_value(); });
    return positions(all);
  }
  [[nodiscard]] bool ready() const override { return views_.ready(); }

 private:
  static BuildingSession session_of(MemoryViews& views) {
    auto sink = std::make_unique<MemorySink>(views);
    auto builder = std::make_unique<MemoryBuilder>(*sink);
    return {std::move(sink), std::move(builder)};
  }
  template <class Kept>
  static std::vector<std::int64_t> positions(const std::vector<Kept>& all) {
    std::vector<std::int64_t> out;
    for (const Kept& kept : all) out.push_back(kept.position.value);
    return out;
  }
  MemoryViews live_views_{Generation{"shapes", 1, "one", 1, 2, {}, {}, true}};
  MemoryViews views_{Generation{"shapes", 2, "two", 1, 2, {}, {}, false}};
  MemorySink live_{live_views_};
  MemorySink sink_{views_};
  MemoryBuilder builder_{sink_};
};

}  // namespace

TEST_CASE("the builder in memory keeps the contract") {
  generation_builder_contract([] { return std::make_unique<MemoryBuilderUnderTest>(); });
}

}  // namespace sluice::testing
