#pragma once

// A folder of snapshots: PROJECTION/GENERATION'S UNIQUE ID/PARTITION/POSITION/, each with the files
// of a state and, once all of these are there, its description.

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/state_snapshots.h"
#include "tools/sluice/snapshots/description.h"

namespace sluice {

struct SnapshotPlace {
  std::string projection;
  std::string generation_id;
  Partition partition;
  auto operator<=>(const SnapshotPlace&) const = default;
};

struct FoundSnapshot {
  std::filesystem::path path;
  SnapshotPlace place;
  Offset position;
  std::optional<SnapshotDescription> says;  // nullopt: torn, or a newer program's
  // As far as that tells: torn or alien; version: only a newer program can read what it says.
  std::optional<SnapshotFault> fault;

  [[nodiscard]] bool is_newer() const { return fault == SnapshotFault::version; }
};

// All there is, by place and newest first. Misconfigured, with its name, for the first thing that
// is no snapshot's or that is a link, and where the folder cannot be read.
[[nodiscard]] std::vector<FoundSnapshot> find_snapshots(const std::filesystem::path& folder);
// Those of one place, newest first. What else is there is passed over.
[[nodiscard]] std::vector<FoundSnapshot> snapshots_of(const std::filesystem::path& folder,
                                                      const SnapshotPlace& place);
// Of the other generations that have the partition, the newest of each.
[[nodiscard]] std::vector<FoundSnapshot> snapshots_of_others(const std::filesystem::path& folder,
                                                             const SnapshotPlace& place);

struct FaultyFile {
  std::filesystem::path path;
  std::string fault;  // "torn", "alien"; "foreign": not the snapshot's
};
// Reads every byte. Retryable where a file cannot be read.
[[nodiscard]] std::vector<FaultyFile> verify_snapshot(const FoundSnapshot& snapshot);

struct Pruning {
  std::size_t keep = 1;  // of each place, so many that are whole
  std::chrono::milliseconds older = std::chrono::hours(7 * 24);  // none of them
};
struct Pruned {
  std::size_t kept = 0;
  std::size_t removed = 0;
};
// Takes away what is torn, beyond what is kept, or too old. What is just being made or begun from
// is kept, and what a newer program made, which is nobody else's to judge. Misconfigured where
// something cannot be removed.
Pruned prune_snapshots(const std::vector<FoundSnapshot>& found, const Pruning& pruning, Time now);

}  // namespace sluice
