#pragma once

// Which partitions of an EmbeddedLog may have lost their newest records with damaged write-ahead
// bytes. Kept in a file beside the database, since its next start finds the bytes gone; who deletes
// the file goes on without what is lost.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "storage/embedded/embedded_format.h"

namespace sluice::embedded {

struct LostEnds {
  std::string what;
  // Of the streams that there were: any, but these.
  std::uint32_t last_stream = std::numeric_limits<std::uint32_t>::max();
  std::set<std::pair<StreamId, Partition>> sound;

  [[nodiscard]] bool has(StreamId stream, Partition partition) const {
    return stream.value <= last_stream && !sound.contains({stream, partition});
  }
};

[[nodiscard]] std::filesystem::path lost_ends_file(const std::filesystem::path& directory);
// nullopt: nothing was lost.
[[nodiscard]] std::optional<LostEnds> read_lost_ends(const std::filesystem::path& directory);
// Throws Retryable.
void write_lost_ends(const std::filesystem::path& directory, const LostEnds& lost);

// Kept beside the database where damaged write-ahead bytes took records that lie before others of
// their partition: only who reads them again would notice. Who deletes the file has taken note.
[[nodiscard]] std::filesystem::path gaps_file(const std::filesystem::path& directory);
// What is missing, and what to do; empty: nothing, or somebody has taken note.
[[nodiscard]] std::string gaps_advice(const std::filesystem::path& directory);

// Before the database is opened: where bytes of its write-ahead files are damaged, notes what they
// may have taken and sets the files aside. Throws Retryable.
void note_write_ahead_damage(const std::filesystem::path& directory);

}  // namespace sluice::embedded
