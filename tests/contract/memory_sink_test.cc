#include "storage/memory/memory_sink.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>

#include "shapes/tables.pb.h"
#include "storage/memory/memory_view_monitor.h"
#include "tests/contract/freshness_contract.h"
#include "tests/contract/memory_seen.h"
#include "tests/contract/projection_sink_contract.h"
#include "tests/contract/view_monitor_contract.h"

namespace sluice::testing {
namespace {

class MemorySinkUnderTest final : public SinkUnderTest {
 public:
  ProjectionSink& sink() override { return sink_; }
  ViewMonitor& monitor() override { return monitor_; }
  void lose_next_answer(bool went_through) override {
    sink_.lose_next_answer(went_through ? LostAnswer::committed : LostAnswer::not_committed);
  }
  [[nodiscard]] const SeenView& seen() const override { return seen_; }
  [[nodiscard]] std::int64_t log_end(Partition partition) const override {
    return views_.log_end(partition).value;
  }
  [[nodiscard]] std::string trouble(Partition partition) const override {
    return views_.trouble(partition);
  }
  [[nodiscard]] std::string contender(Partition partition) const override {
    return views_.contender(partition);
  }
  [[nodiscard]] std::optional<std::chrono::milliseconds> freshness(
      Partition partition) const override {
    return views_.freshness(partition);
  }
  [[nodiscard]] std::string progress(Partition partition) const override {
    const std::optional<ComputedProgress> shown = views_.computed(partition);
    if (!shown) return "";
    std::ostringstream text;
    text << shown->due << ' ' << shown->computing << ' ' << shown->failing;
    if (shown->oldest_due >= std::chrono::minutes(1)) text << " waits";
    return text.str();
  }
  [[nodiscard]] std::vector<std::string> computed() const override {
    std::map<std::string, std::string> all;
    views_.for_each_row<shapes::Summary>([&](const shapes::Summary& row) {
      all["0" + row.id()] = row.id() + " " + std::to_string(row.as_of());
    });
    views_.for_each_row<shapes::Share>([&](const shapes::Share& row) {
      std::ostringstream text;
      text << row.id() << ' ' << row.place() << ' ';
      row.has_value() ? text << row.value() : text << "null";
      all["1" + row.id() + std::to_string(row.place())] = text.str();
    });
    std::vector<std::string> texts;
    for (const auto& [key, text] : all) texts.push_back(text);
    return texts;
  }

 private:
  MemoryViews views_{Generation{"shapes", 1, "id", 1, 3, {}, {}, true}};
  MemorySink sink_{views_};
  MemoryViewMonitor monitor_{views_};
  MemorySeen seen_{views_};
};

}  // namespace

TEST_CASE("the sink in memory keeps the contract") {
  projection_sink_contract([] { return std::make_unique<MemorySinkUnderTest>(); });
}

TEST_CASE("who looks at views in memory keeps the contract") {
  view_monitor_contract([] { return std::make_unique<MemorySinkUnderTest>(); });
}

TEST_CASE("freshness in memory keeps the contract") {
  freshness_contract([] { return std::make_unique<MemorySinkUnderTest>(); });
}

}  // namespace sluice::testing
