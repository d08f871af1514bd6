#include "projectors/engine/run/probe.h"

#include <catch2/catch.hpp>

#include "projectors/engine/run/watched_worker.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

const std::string kLabel = "tally:3";

Time at(std::int64_t ms) { return Time{milliseconds{ms}}; }

Rejection rejection(std::string reason) { return {{}, "id", "type", "key", std::move(reason), {}}; }

}  // namespace

TEST_CASE("a value counts in the first bucket whose bound it does not pass") {
  static constexpr std::array kBounds{1., 2.};
  Histogram histogram(kBounds);
  for (const double value : {0., 1., 1.5, 2., 7.}) histogram.observe(value);
  histogram.observe(2, 3);
  CHECK(histogram.counts() == std::vector<std::uint64_t>{2, 5, 1});
  CHECK(histogram.count() == 8);
  CHECK(histogram.sum() == 17.5);
}

TEST_CASE("a flush counts records, rows by table, reasons, and how old each fact was") {
  Probe probe;
  RecordedTimes recorded;
  recorded.add(at(1000));
  recorded.add(at(1900));
  recorded.add(at(5000));  // by another clock: no fact is visible before it was recorded
  const std::vector<Rejection> rejections{rejection("closed"), rejection("closed")};
  const PartitionCounts::ByName rows{{"vote", 7}};
  HotKeys keys;
  for (std::uint32_t n = 0; n < HotKeys::kSampledEach; ++n) keys.observe("c1");
  const Probe::Flush flush{.records = 4,
                           .folded = 3,
                           .duplicates = 1,
                           .quarantined = 2,
                           .changed_rows = 9,
                           .rejections = rejections,
                           .rows = rows,
                           .recorded = recorded,
                           .committed_at = at(2000),
                           .keys = keys};
  probe.flushed(kLabel, flush);
  probe.flushed(kLabel, flush);
  probe.flushed("tally:0", flush);
  const PartitionCounts counts = probe.counts().at(kLabel);
  CHECK(counts.records == 8);
  CHECK(counts.duplicates == 2);
  CHECK(counts.quarantined == 4);
  CHECK(counts.rejected == PartitionCounts::ByName{{"closed", 4}});
  CHECK(counts.rows == PartitionCounts::ByName{{"vote", 14}});
  REQUIRE(counts.hottest);
  CHECK(counts.hottest->key == "c1");
  CHECK(counts.visible_seconds.count() == 6);
  CHECK(counts.visible_seconds.sum() == Approx(2 * 1.1).margin(2 * 3 * .04));
  CHECK(probe.totals().folded == 9);
}

TEST_CASE("reasons are bounded, in number and length, and nothing is left out") {
  PartitionCounts counts;
  for (int i = 0; i < 1000; ++i) counts.count_rejected("reason" + std::to_string(i));
  counts.count_rejected(std::string(100, 'x'));
  counts.count_rejected("reason1");
  CHECK(counts.rejected.size() <= 65);
  CHECK(counts.rejected.at("reason1") == 2);
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : counts.rejected) sum += count;
  CHECK(sum == 1002);
}

TEST_CASE("how a partition was taken is told until it is taken again") {
  Probe probe;
  probe.taken(kLabel, {Recovery::From::state, Offset{5}, 0, {}});
  probe.recovering(kLabel, {Recovery::From::state, Offset{5}, 3, milliseconds{40}});
  CHECK(probe.counts().at(kLabel).began.records == 3);
  CHECK(probe.counts().at(kLabel).began.took == milliseconds{40});
  probe.taken(kLabel, {Recovery::From::start, Offset{0}, 0, {}});
  probe.taken(kLabel,
              {Recovery::From::snapshot, Offset{4}, 0, {}, {{"/s/5", SnapshotFault::torn}}});
  const PartitionCounts counts = probe.counts().at(kLabel);
  CHECK(counts.recoveries == std::array<std::uint64_t, kRecoveryKinds>{1, 1, 1});
  CHECK(counts.began.from == Recovery::From::snapshot);
  CHECK(counts.began.refused.size() == 1);
}

TEST_CASE("freshness is the age of the oldest record that is not shown, or of when all was") {
  HeldPartition held{.partition = Partition{3}};
  held.position = Offset{7};
  CHECK(freshness(held, Offset{7}, at(9000)) == milliseconds{0});
  CHECK_FALSE(freshness(held, Offset{8}, at(9000)));
  held.complete_at = at(5000);
  CHECK(freshness(held, Offset{8}, at(9000)) == milliseconds{4000});
  held.oldest = at(8500);
  CHECK(freshness(held, Offset{8}, at(9000)) == milliseconds{500});
  // Clocks that differ make no record one that is shown.
  CHECK(freshness(held, Offset{8}, at(8000)) == milliseconds{1});
}

}  // namespace sluice
