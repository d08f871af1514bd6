#include <prometheus/text_serializer.h>

#include <array>
#include <catch2/catch.hpp>
#include <sstream>

#include "projectors/engine/run/watched_worker.h"
#include "tools/sluice/node/metric_families.h"
#include "tools/sluice/node/projector_metrics.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

std::string shown(const MetricFamilies& families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

Time at(std::int64_t ms) { return Time{milliseconds{ms}}; }

}  // namespace

TEST_CASE("a histogram shows what lies at or below each bound, and all of it") {
  static constexpr std::array kBounds{.5, 1.};
  Histogram histogram(kBounds);
  for (const double value : {.5, .7, 2.}) histogram.observe(value);
  MetricFamily family = histogram_family("sluice_x_seconds", "How long");
  family.add({{"partition", "3"}}, histogram);
  MetricFamilies families;
  std::move(family).move_to(families);
  const std::string text = shown(families);
  CHECK_THAT(text, Catch::Contains("# TYPE sluice_x_seconds histogram\n"));
  CHECK_THAT(text, Catch::Contains("sluice_x_seconds_bucket{partition=\"3\",le=\"0.5\"} 1\n"));
  CHECK_THAT(text, Catch::Contains("sluice_x_seconds_bucket{partition=\"3\",le=\"1\"} 2\n"));
  CHECK_THAT(text, Catch::Contains("sluice_x_seconds_bucket{partition=\"3\",le=\"+Inf\"} 3\n"));
  CHECK_THAT(text, Catch::Contains("sluice_x_seconds_count{partition=\"3\"} 3\n"));
}

TEST_CASE("a family without numbers is not shown") {
  MetricFamilies families;
  counter_family("sluice_x_total", "None").move_to(families);
  CHECK(families.empty());
}

TEST_CASE("a partition is shown by projection and number, as it stands and as it grew stale") {
  Probe probe;
  probe.began("w", "tally", 2, "session");
  HeldPartition held{.partition = Partition{3}};
  held.position = Offset{7};
  held.log_end = Offset{9};
  held.dirty_rows = 5;
  held.oldest = at(1000);
  probe.holds("w", {held});
  probe.fenced("tally:3");
  probe.taken("tally:3", {Recovery::From::state, Offset{7}, 0, {}});
  probe.taken("tally:3", {Recovery::From::snapshot, Offset{7}, 0, {}});
  MetricFamilies families;
  const UnownedPartition nobodys{"tally",   2,         Partition{4},
                                 Offset{1}, Offset{3}, milliseconds{60'000}};
  // Ours, which was silent for long; and one that we have and could not claim.
  const UnownedPartition ours{"tally", 2, Partition{3}, Offset{1}, Offset{3}, milliseconds{7000}};
  probe.holds("w", {held, HeldPartition{.partition = Partition{4}}});
  add_projector_metrics(probe, {ours, nobodys}, {}, at(4500), families);
  const std::string text = shown(families);
  const std::string labels = "{projection=\"tally\",partition=\"3\"} ";
  CHECK_THAT(text, Catch::Contains("sluice_position" + labels + "7\n"));
  CHECK_THAT(text, Catch::Contains("sluice_log_end" + labels + "9\n"));
  CHECK_THAT(text, Catch::Contains("sluice_lag_records" + labels + "2\n"));
  CHECK_THAT(text, Catch::Contains("sluice_freshness_seconds" + labels + "3.5\n"));
  CHECK_THAT(text, Catch::Contains("sluice_dirty_rows" + labels + "5\n"));
  CHECK_THAT(text, Catch::Contains("sluice_fenced_total" + labels + "1\n"));
  CHECK_THAT(text, Catch::Contains("# TYPE sluice_fenced_total counter\n"));
  CHECK_THAT(text, Catch::Contains("sluice_recoveries_total{projection=\"tally\",partition=\"3\","
                                   "from=\"state\"} 1\n"));
  CHECK_THAT(text, Catch::Contains("from=\"snapshot\"} 1\n"));
  CHECK_THAT(text, Catch::Contains("sluice_generation_lag_records{projection=\"tally\","
                                   "partition=\"3\",generation=\"2\",status=\"live\"} 2\n"));
  const std::string others = "{projection=\"tally\",partition=\"4\"} ";
  CHECK_THAT(text, Catch::Contains("sluice_lag_records" + others + "2\n"));
  CHECK_THAT(text, Catch::Contains("sluice_freshness_seconds" + others + "60\n"));
  // What is heard beside the reader counts: the lag of one that is held back grows, too.
  probe.heard_of_log("tally:3", Offset{20}, "");
  CHECK(partitions_seen(probe, at(4500)).at(0).log_end == Offset{20});
}

TEST_CASE("a partition that stands still says so, and is never left out") {
  Probe probe;
  probe.began("w", "tally", 2, "session");
  HeldPartition stopped{.partition = Partition{3}, .trouble = "damaged"};
  stopped.log_end = Offset{9};
  HeldPartition restored{.partition = Partition{4}, .trouble = "the log ends at 8"};
  restored.log_end = Offset{8};
  restored.position = Offset{11};
  HeldPartition unheard{.partition = Partition{5}, .trouble = "no database"};
  HeldPartition well{.partition = Partition{6}};
  well.log_end = Offset{1};
  well.position = Offset{2};
  probe.holds("w", {stopped, restored, unheard, well});
  UnownedPartition first{"tally", 2, Partition{3}, Offset{7}, Offset{9}, milliseconds{60'000}};
  UnownedPartition second{"tally", 2, Partition{4}, Offset{11}, Offset{8}, milliseconds{50'000}};
  // Its owner is another process, which tells of it.
  UnownedPartition others{"tally", 2, Partition{7}, Offset{1}, Offset{8}, milliseconds{40'000}};
  first.owned = second.owned = others.owned = true;
  const UnownedPartition nobodys{"tally", 2, Partition{8}, Offset{1}, Offset{3}, milliseconds{1}};
  MetricFamilies families;
  add_projector_metrics(probe, {first, second, others, nobodys}, {}, at(4500), families);
  const std::string text = shown(families);
  const auto of = [](const char* name, int partition) {
    return std::string(name) + "{projection=\"tally\",partition=\"" + std::to_string(partition) +
           "\"} ";
  };
  CHECK_THAT(text, Catch::Contains(of("sluice_position", 3) + "7\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_log_end", 3) + "9\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_lag_records", 3) + "2\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_freshness_seconds", 3) + "60\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_standing_still", 3) + "1\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_position", 4) + "11\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_log_end", 4) + "8\n"));
  CHECK_THAT(text, !Catch::Contains(of("sluice_lag_records", 4)));
  CHECK_THAT(text, Catch::Contains(of("sluice_freshness_seconds", 4) + "50\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_standing_still", 4) + "1\n"));
  CHECK_THAT(text, !Catch::Contains(of("sluice_position", 5)));
  CHECK_THAT(text, Catch::Contains(of("sluice_standing_still", 5) + "1\n"));
  // The view may know of more than its reader has heard of.
  CHECK_THAT(text, Catch::Contains(of("sluice_lag_records", 6) + "0\n"));
  CHECK_THAT(text, Catch::Contains(of("sluice_standing_still", 6) + "0\n"));
  CHECK_THAT(text, !Catch::Contains(of("sluice_standing_still", 7)));
  CHECK_THAT(text, Catch::Contains(of("sluice_standing_still", 8) + "1\n"));
}

}  // namespace sluice
