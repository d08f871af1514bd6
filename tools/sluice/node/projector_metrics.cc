#include "tools/sluice/node/projector_metrics.h"

#include <algorithm>
#include <functional>

#include "projectors/engine/run/partition_label.h"
#include "projectors/engine/run/watched_worker.h"

namespace sluice {
namespace {

// What belongs together in "deliberation:3"; borrows from it.
MetricLabels labels_of(std::string_view label) {
  const auto colon = label.rfind(':');
  return {{"projection", label.substr(0, colon)}, {"partition", label.substr(colon + 1)}};
}

double number(std::uint64_t value) { return static_cast<double>(value); }

using Counts = std::map<std::string, PartitionCounts>;

void add_counts(const Counts& all, MetricFamilies& families, const char* name, const char* help,
                const std::function<std::uint64_t(const PartitionCounts&)>& count) {
  MetricFamily family = counter_family(name, help);
  for (const auto& [label, counts] : all) family.add(labels_of(label), number(count(counts)));
  std::move(family).move_to(families);
}

void add_named(const Counts& all, MetricFamilies& families, const char* name, const char* help,
               std::string_view by,
               const std::function<const PartitionCounts::ByName&(const PartitionCounts&)>& of) {
  MetricFamily family = counter_family(name, help);
  for (const auto& [label, counts] : all) {
    for (const auto& [word, count] : of(counts)) {
      MetricLabels labels = labels_of(label);
      labels.emplace_back(by, word);
      family.add(labels, number(count));
    }
  }
  std::move(family).move_to(families);
}

void add_histograms(const Counts& all, MetricFamilies& families, const char* name, const char* help,
                    const std::function<const Histogram&(const PartitionCounts&)>& of) {
  MetricFamily family = histogram_family(name, help);
  for (const auto& [label, counts] : all) family.add(labels_of(label), of(counts));
  std::move(family).move_to(families);
}

void add_recoveries(const Counts& all, MetricFamilies& families) {
  MetricFamily family =
      counter_family("sluice_recoveries_total", "Partitions taken, by what folding began from");
  for (const auto& [label, counts] : all) {
    for (std::size_t i = 0; i < kRecoveryKinds; ++i) {
      MetricLabels labels = labels_of(label);
      labels.emplace_back("from", word(static_cast<Recovery::From>(i)));
      family.add(labels, number(counts.recoveries[i]));
    }
  }
  std::move(family).move_to(families);
}

// A generation that was made since the database was asked is being built.
std::string status_of(const PartitionSeen& seen, const std::vector<GenerationSeen>& generations) {
  if (seen.live) return "live";
  for (const GenerationSeen& each : generations) {
    if (each.projection == seen.projection && each.number == seen.generation) return each.status;
  }
  return "building";
}

// Of a log that ends before its view nobody can say how much of it the view lacks.
std::optional<double> lag_of(const PartitionSeen& seen) {
  if (!seen.position || *seen.position > seen.log_end) return std::nullopt;
  return static_cast<double>(seen.log_end.value - seen.position->value);
}

void add_now(const std::vector<PartitionSeen>& all,
             const std::vector<GenerationSeen>& seen_generations, MetricFamilies& families) {
  MetricFamily position =
      gauge_family("sluice_position", "The next offset to fold: the view has all before it");
  MetricFamily end = gauge_family("sluice_log_end", "The end of the log, as last heard of");
  MetricFamily lag = gauge_family("sluice_lag_records", "Offsets that the view is behind the log");
  MetricFamily fresh = gauge_family(
      "sluice_freshness_seconds",
      "How long the log has had the oldest record that the view lacks; 0: it lacks none");
  MetricFamily still = gauge_family("sluice_standing_still",
                                    "1: nothing of the partition is folded or shown, and "
                                    "`sluice status` says why; 0: it goes on");
  MetricFamily dirty =
      gauge_family("sluice_dirty_rows", "Rows changed and not yet flushed, as of the last second");
  MetricFamily generations = gauge_family("sluice_generation_lag_records",
                                          "Offsets that a generation's view is behind the log");
  for (const PartitionSeen& seen : all) {
    const std::string label = label_of(seen);
    MetricLabels labels = {{"projection", seen.projection},
                           {"partition", std::string_view(label).substr(label.rfind(':') + 1)}};
    const std::optional<double> behind = lag_of(seen);
    const std::string generation = std::to_string(seen.generation);
    const std::string status = status_of(seen, seen_generations);
    MetricLabels of_generation = labels;
    of_generation.emplace_back("generation", generation);
    of_generation.emplace_back("status", status);
    if (behind) generations.add(of_generation, *behind);
    if (!seen.live) continue;
    still.add(labels, seen.stands_still ? 1 : 0);
    if (!seen.position) continue;
    position.add(labels, static_cast<double>(seen.position->value));
    end.add(labels, static_cast<double>(seen.log_end.value));
    if (behind) lag.add(labels, *behind);
    dirty.add(labels, number(seen.dirty_rows));
    if (seen.freshness) {
      fresh.add(labels, std::chrono::duration<double>(*seen.freshness).count());
    }
  }
  for (MetricFamily* family : {&position, &end, &lag, &fresh, &still, &dirty, &generations}) {
    std::move(*family).move_to(families);
  }
}

// What a process cannot claim, or has stopped at, it may know less of than the view does.
void add_standing(const UnownedPartition& each, std::vector<PartitionSeen>& seen) {
  const auto own = std::ranges::find_if(seen, [&](const PartitionSeen& one) {
    return one.projection == each.projection && one.generation == each.generation &&
           one.partition == each.partition;
  });
  if (own == seen.end()) {
    if (each.owned) return;  // its owner tells of it
    seen.push_back({.projection = each.projection,
                    .generation = each.generation,
                    .partition = each.partition,
                    .position = each.position,
                    .log_end = each.log_end,
                    .freshness = each.freshness,
                    .stands_still = true});
    return;
  }
  if (!own->position) {
    own->position = each.position;
    own->log_end = own->log_end == Offset{0} ? each.log_end : own->log_end;
    own->stands_still = true;
  }
  if (!own->freshness) own->freshness = each.freshness;
}

}  // namespace

std::string label_of(const PartitionSeen& seen) {
  return partition_label(seen.projection, seen.generation, seen.live, seen.partition);
}

std::vector<PartitionSeen> partitions_seen(const Probe& probe, Time now) {
  std::vector<PartitionSeen> all;
  for (const auto& [name, worker] : probe.workers()) {
    for (const HeldPartition& held : worker.held) {
      PartitionSeen seen{.projection = worker.projection,
                         .generation = worker.generation,
                         .live = worker.live,
                         .partition = held.partition,
                         .owner = held.owner,
                         .position = held.position,
                         .folded = held.folded,
                         .dirty_rows = held.dirty_rows,
                         .dirty_bytes = held.dirty_bytes,
                         .row_bytes = held.row_bytes,
                         .dedupe_bytes = held.dedupe_bytes};
      const Offset heard = probe.found(label_of(seen)).log_end;
      seen.log_end = std::max(held.log_end, heard);
      seen.stands_still = !held.trouble.empty();
      // The view may know of more than the reader has heard of; else the log was restored.
      if (!seen.stands_still) {
        seen.log_end = std::max(seen.log_end, held.position.value_or(Offset{0}));
      }
      seen.freshness = freshness(held, seen.log_end, now);
      all.push_back(std::move(seen));
    }
  }
  return all;
}

void add_projector_metrics(const Probe& probe, const std::vector<UnownedPartition>& unowned,
                           const std::vector<GenerationSeen>& generations, Time now,
                           MetricFamilies& families) {
  std::vector<PartitionSeen> seen = partitions_seen(probe, now);
  for (const UnownedPartition& each : unowned) add_standing(each, seen);
  add_now(seen, generations, families);
  Counts all = probe.counts();
  // Of a generation that readers do not see.
  std::erase_if(all, [](const auto& each) { return each.first.find('.') != std::string::npos; });
  add_counts(all, families, "sluice_records_folded_total",
             "Records that flushes have made visible, whatever came of them",
             [](const PartitionCounts& of) { return of.records; });
  add_counts(all, families, "sluice_duplicates_total",
             "Records that were known already, and changed nothing",
             [](const PartitionCounts& of) { return of.duplicates; });
  add_named(all, families, "sluice_rejected_total", "Events that were valid but not admissible",
            "reason", [](const PartitionCounts& of) -> const auto& { return of.rejected; });
  add_counts(all, families, "sluice_quarantined_total", "Records that were put into quarantine",
             [](const PartitionCounts& of) { return of.quarantined; });
  add_counts(
      all, families, "sluice_parked_beyond_limit_total",
      "Records of these without their bytes, since more than --parked-limit wait under a key",
      [](const PartitionCounts& of) { return of.beyond_limit; });
  add_named(all, families, "sluice_rows_flushed_total", "Changed rows that flushes have written",
            "table", [](const PartitionCounts& of) -> const auto& { return of.rows; });
  add_counts(all, families, "sluice_fenced_total",
             "Flushes and claims that failed because another owner had the partition",
             [](const PartitionCounts& of) { return of.fenced; });
  add_counts(all, families, "sluice_rebalances_total",
             "Times that the log gave the partition to this process, or took it",
             [](const PartitionCounts& of) { return of.rebalances; });
  add_recoveries(all, families);
  add_histograms(all, families, "sluice_flush_duration_seconds", "How long flushes took",
                 [](const PartitionCounts& of) -> const auto& { return of.flush_seconds; });
  add_histograms(all, families, "sluice_fold_batch_duration_seconds",
                 "How long it took to fold what one poll brought, without flushes",
                 [](const PartitionCounts& of) -> const auto& { return of.batch_seconds; });
  add_histograms(all, families, "sluice_event_visible_seconds",
                 "From when ingest recorded a fact to the commit that shows it",
                 [](const PartitionCounts& of) -> const auto& { return of.visible_seconds; });
}

}  // namespace sluice
