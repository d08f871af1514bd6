#include "tools/sluice/snapshots/folder_snapshots.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <utility>

#include "storage/base/errors.h"
#include "tools/sluice/snapshots/files.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

KeptSnapshot kept(const FoundSnapshot& found) {
  KeptSnapshot about{.path = found.path.string(),
                     .generation_id = found.place.generation_id,
                     .position = found.position,
                     .digest = {},
                     .fault = found.fault};
  if (!found.says) return about;
  about.generation_id = found.says->generation_id;
  about.version = found.says->version;
  about.digest = found.says->digest;
  about.published = found.says->published;
  return about;
}

// So long a worker is held up: what is linked has come by then, as a rule.
constexpr std::chrono::milliseconds kMoment{100};
constexpr std::chrono::hours kLongest{1};
// Files that are copied or read at a time: one waits for its disk while another's checksum is made.
constexpr std::size_t kLanes = 4;

// RocksDB never writes to a finished table file again, so a hard link is enough; the other files of
// a database are written to, and are copied. The checksum of what stands there.
std::optional<std::string> place_file(const fs::path& from, const fs::path& to) {
  if (from.extension() != ".sst" || !link_file(from, to)) return copy_and_sum(from, to);
  return checksum_of_file(to);
}

// False: it is not as it was made.
bool bring_file(const SnapshotFile& file, const fs::path& from, const fs::path& to) {
  const std::optional<FileSeen> seen = look_at_file(from / file.name);
  if (!seen || seen->bytes != file.bytes) return false;
  return place_file(from / file.name, to / file.name) == file.checksum;
}

// False: one is not as it was made, and then not all of them are there.
bool bring_files(const std::vector<SnapshotFile>& files, const fs::path& from, const fs::path& to,
                 const std::atomic<bool>& given_up) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> whole = true;
  const auto lane = [&] {
    for (std::size_t at = next++; at < files.size() && whole; at = next++) {
      if (given_up || !bring_file(files[at], from, to)) whole = false;
    }
  };
  std::vector<std::future<void>> lanes;
  for (std::size_t i = 1; i < std::min(kLanes, files.size()); ++i) {
    lanes.push_back(std::async(std::launch::async, lane));
  }
  lane();
  for (std::future<void>& each : lanes) each.get();
  return whole;
}

// The snapshot `from`, one of these, in the new folder `to`. False: it is not whole, or given up.
bool bring_whole(const std::vector<FoundSnapshot>& all, const fs::path& from, const fs::path& to,
                 const std::atomic<bool>& given_up) {
  // One that is just taken away is none.
  const FolderHold hold(from, FolderHold::Kind::shared);
  const auto found = std::ranges::find(all, from, &FoundSnapshot::path);
  if (!hold.held() || found == all.end() || !found->says || found->fault) return false;
  std::error_code failed;
  fs::remove_all(to, failed);
  if (::mkdir(to.c_str(), S_IRWXU) != 0) {
    throw Retryable("cannot make " + to.string() + ": the state is not restored");
  }
  if (bring_files(found->says->files, from, to, given_up)) {
    sync_path(to);
    return true;
  }
  fs::remove_all(to, failed);
  return false;
}

}  // namespace

std::vector<KeptSnapshot> FolderSnapshots::list() {
  std::vector<FoundSnapshot> found = snapshots_of(folder_, place_);
  if (found.empty()) found = snapshots_of_others(folder_, place_);
  std::vector<KeptSnapshot> all;
  for (const FoundSnapshot& each : found) all.push_back(kept(each));
  return all;
}

StateSnapshots::Brought FolderSnapshots::bring(const KeptSnapshot& snapshot) {
  return bring(snapshot, kMoment);
}

StateSnapshots::Brought FolderSnapshots::bring(const KeptSnapshot& snapshot,
                                               std::chrono::milliseconds patience) {
  const auto work = [folder = folder_, place = place_, from = fs::path(snapshot.path),
                     to = fresh_](const std::atomic<bool>& given_up) {
    return bring_whole(snapshots_of(folder, place), from, to, given_up);
  };
  const Brought brought = restorations_.bring(snapshot.path, fresh_, work, patience);
  brought_ = brought == Brought::whole ? snapshot.path : std::string();
  return brought;
}

bool FolderSnapshots::restore(const KeptSnapshot& snapshot) {
  if (brought_ != snapshot.path) {
    Brought brought = Brought::under_way;
    while (brought == Brought::under_way) brought = bring(snapshot, kLongest);
    if (brought == Brought::torn) return false;
  }
  brought_.clear();
  store_.replace(fresh_);
  spdlog::info("state restored path={} position={}", snapshot.path, snapshot.position.value);
  return true;
}

}  // namespace sluice
