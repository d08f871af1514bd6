#pragma once

// What a snapshot says of itself: its file snapshot.json, which is written last.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/position.h"

namespace sluice {

inline constexpr const char* kDescriptionFile = "snapshot.json";

struct SnapshotFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string checksum;          // as checksum_of() has it
  std::int64_t modified_ns = 0;  // of the file that it is a copy of, or a link to
};

struct SnapshotDescription {
  std::string projection;
  int generation = 1;
  std::string generation_id;
  Partition partition;
  int version = 1;  // of the rules
  Offset position;
  Digest digest;               // of the record before position
  std::int64_t published = 0;  // how often computed rows were
  Time made_at;
  double seconds = 0;  // that it took, as far as known before it was described
  std::vector<SnapshotFile> files;

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] const SnapshotFile* file(std::string_view name) const;  // null: none of this name
};

// With a checksum of its own.
[[nodiscard]] std::string json_of(const SnapshotDescription& description);
// nullopt: it is not whole, or not of this form.
[[nodiscard]] std::optional<SnapshotDescription> parse_description(std::string_view json);
// Whole, and of a form that a newer program has written.
[[nodiscard]] bool is_newer_description(std::string_view json);

}  // namespace sluice
