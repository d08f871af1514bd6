#include "storage/embedded/lost_ends.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <ranges>
#include <sstream>

#include "storage/embedded/durable_file.h"
#include "storage/embedded/stream_list.h"
#include "storage/embedded/write_ahead_log.h"

namespace sluice::embedded {

std::filesystem::path lost_ends_file(const std::filesystem::path& directory) {
  return directory / "DAMAGED";
}

std::optional<LostEnds> read_lost_ends(const std::filesystem::path& directory) {
  std::ifstream in(lost_ends_file(directory));
  LostEnds lost;
  if (!std::getline(in, lost.what) || !(in >> lost.last_stream)) return std::nullopt;
  StreamId stream;
  Partition partition;
  while (in >> stream.value >> partition.value) lost.sound.emplace(stream, partition);
  return lost;
}

void write_lost_ends(const std::filesystem::path& directory, const LostEnds& lost) {
  std::ostringstream text;
  text << lost.what << '\n' << lost.last_stream << '\n';
  for (const auto& [stream, partition] : lost.sound) {
    text << stream.value << ' ' << partition.value << '\n';
  }
  write_durable_file(lost_ends_file(directory), text.str());
}

std::filesystem::path gaps_file(const std::filesystem::path& directory) {
  return directory / "GAPS";
}

std::string gaps_advice(const std::filesystem::path& directory) {
  std::ifstream in(gaps_file(directory));
  std::string what;
  if (!std::getline(in, what)) return {};
  return "records are missing in the middle of the log (" + what +
         "): views that had folded them are whole, and nothing folds past them anew. The damaged "
         "files are in " +
         (directory / "damaged").string() + ": restore the log from a copy, or delete " +
         gaps_file(directory).string() + " to take note";
}

void note_write_ahead_damage(const std::filesystem::path& directory) {
  const WriteAheadDamage damage = find_write_ahead_damage(directory);
  if (damage.what.empty()) return;
  spdlog::error("log damaged folder={} error=\"{}\" kept={}", directory.string(), damage.what,
                (directory / "damaged").string());
  if (damage.shows) {
    write_durable_file(gaps_file(directory), damage.what + '\n');
    return set_write_ahead_files_aside(directory);
  }
  LostEnds lost{damage.what, std::numeric_limits<std::uint32_t>::max(), damage.sound};
  if (const auto streams = read_stream_list(directory)) {
    lost.last_stream = 0;
    for (const StreamEntry& entry : std::views::values(streams->streams)) {
      lost.last_stream = std::max(lost.last_stream, entry.id.value);
    }
  }
  // What was lost before stays lost.
  if (const auto before = read_lost_ends(directory)) {
    std::erase_if(lost.sound,
                  [&](const auto& each) { return before->has(each.first, each.second); });
  }
  write_lost_ends(directory, lost);
  set_write_ahead_files_aside(directory);
}

}  // namespace sluice::embedded
