#include "tools/sluice/snapshots/making.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <thread>

#include "projectors/engine/fold/state_checkpoint.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/base/own_folder.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/snapshots/files.h"
#include "tools/sluice/snapshots/folder.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

using Clock = std::chrono::steady_clock;

// Who asks gives up after ten seconds without a word.
constexpr std::chrono::seconds kToBegin{5};

// A checkpoint then writes what is not written yet, however much.
constexpr std::chrono::seconds kToFlush{10};
constexpr std::chrono::milliseconds kBetweenLooks{50};

// Workers opens no other stores.
RocksStateStore& store_of(OwnedPartition& owned) {
  return static_cast<RocksStateStore&>(owned.store);
}

// Nothing is left of it, however its scope ends.
class Scaffold {
 public:
  explicit Scaffold(fs::path folder) : folder_(std::move(folder)) {}
  ~Scaffold() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  Scaffold(const Scaffold&) = delete;
  Scaffold& operator=(const Scaffold&) = delete;
  [[nodiscard]] const fs::path& path() const { return folder_; }
  void keep() { folder_.clear(); }

 private:
  fs::path folder_;
};

bool never_changes(const fs::path& file) { return file.extension() == ".sst"; }

// One that RocksDB has not written since: its tables never change, and no two have one name, size
// and time.
const SnapshotFile* unchanged(const std::optional<FoundSnapshot>& former, const std::string& name,
                              const FileSeen& seen) {
  if (!former || !never_changes(name)) return nullptr;
  const SnapshotFile* const file = former->says->file(name);
  if (file == nullptr || file->bytes != seen.bytes || file->modified_ns != seen.modified_ns) {
    return nullptr;
  }
  return file;
}

// Makes the file of the snapshot, and says of it what the description is to say.
SnapshotFile place_file(const fs::path& from, const fs::path& snapshot,
                        const std::optional<FoundSnapshot>& former, std::uint64_t& linked) {
  const std::string name = from.filename().string();
  const std::optional<FileSeen> seen = look_at_file(from);
  if (!seen) throw Misconfigured(from.string() + " is no plain file");
  SnapshotFile file{name, seen->bytes, {}, seen->modified_ns};
  const fs::path to = snapshot / name;
  if (const SnapshotFile* const same = unchanged(former, name, *seen)) {
    std::error_code failed;
    fs::create_hard_link(former->path / name, to, failed);
    if (!failed) {
      linked += seen->bytes;
      file.checksum = same->checksum;
      return file;
    }
  }
  if (never_changes(name)) {
    (void)link_or_copy(from, to);
  } else {
    copy_durably(from, to);
  }
  const std::optional<std::string> checksum = checksum_of_file(to);
  if (!checksum) throw Misconfigured(to.string() + " has gone while it was made");
  file.checksum = *checksum;
  return file;
}

std::optional<FoundSnapshot> newest_whole(const std::vector<FoundSnapshot>& all) {
  for (const FoundSnapshot& each : all) {
    if (each.says && !each.fault) return each;
  }
  return std::nullopt;
}

// Closed to others, and what is there already is ours.
fs::path folder_of(const fs::path& folder, const SnapshotDescription& says) {
  const OwnFolder own(folder, OwnFolder::Links::followed);
  (void)find_snapshots(own.path());
  const OwnFolder projection(own.closed_folder(says.projection));
  const OwnFolder generation(projection.closed_folder(says.generation_id));
  return generation.closed_folder(std::to_string(says.partition.value));
}

// What a death has left of one at this very position.
void clear_torn(const fs::path& path) {
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(path, failed))) return;
  const FolderHold alone(path, FolderHold::Kind::alone);
  if (!alone.held()) throw Retryable(path.string() + " is made by another process");
  fs::remove_all(path, failed);
  if (failed) {
    throw Misconfigured("cannot remove " + path.string() + " (" + failed.message() + ")");
  }
}

void fill(const fs::path& path, const fs::path& checkpoint, SnapshotDescription& says,
          const std::optional<FoundSnapshot>& former, std::uint64_t& linked,
          const std::stop_token& stop) {
  const auto begun = Clock::now();
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    if (stop.stop_requested()) throw Retryable("the process ends: ask again");
    says.files.push_back(place_file(entry.path(), path, former, linked));
  }
  sync_path(path);
  says.seconds += std::chrono::duration<double>(Clock::now() - begun).count();
  crash_point(CrashPoint("snapshot.files_made"));
  OwnFolder(path).write(kDescriptionFile, json_of(says));
  sync_path(path.parent_path());
  crash_point(CrashPoint("snapshot.described"));
}

}  // namespace

std::string json_of(const MadeSnapshot& made) {
  JsonWriter json;
  json.begin_object().field("projection", made.says.projection);
  json.field("generation", made.says.generation).field("partition", made.says.partition.value);
  json.field("version", made.says.version).field("position", made.says.position.value);
  json.field("bytes", made.says.bytes()).field("linked", made.linked).name("seconds");
  json.real(made.says.seconds);
  return json.field("path", made.path.string()).end_object().take();
}

MadeSnapshot put_snapshot(const fs::path& folder, const fs::path& checkpoint,
                          SnapshotDescription says, const std::stop_token& stop) {
  const fs::path below = folder_of(folder, says);
  const SnapshotPlace place{says.projection, says.generation_id, says.partition};
  const std::vector<FoundSnapshot> before =
      snapshots_of(below.parent_path().parent_path().parent_path(), place);
  const fs::path path = below / std::to_string(says.position.value);
  for (const FoundSnapshot& each : before) {
    if (each.path != path) continue;
    if (each.is_newer()) {
      throw Misconfigured(path.string() +
                          " was made by a newer program: name another folder, or start that one");
    }
    if (each.says && !each.fault) return {*each.says, path, each.says->bytes()};
  }
  clear_torn(path);
  Scaffold made(OwnFolder(below).closed_folder(path.filename().string()));
  const FolderHold alone(path, FolderHold::Kind::alone);
  if (!alone.held()) throw Retryable(path.string() + " is made by another process");
  MadeSnapshot snapshot{std::move(says), path};
  fill(path, checkpoint, snapshot.says, newest_whole(before), snapshot.linked, stop);
  made.keep();
  return snapshot;
}

// What the checkpoint would write while the worker waits is written before, while it goes on.
// False: nobody here owns the partition.
bool SnapshotMaking::flush_beside(const ErrandPlace& place, const std::stop_token& stop) {
  const Errands::Work begin = [](OwnedPartition& owned) { store_of(owned).begin_flush(); };
  if (!errands_.ask(place, begin, kToBegin)) return false;
  bool flushing = true;
  const Errands::Work look = [&](OwnedPartition& owned) { flushing = store_of(owned).flushing(); };
  const auto end = Clock::now() + kToFlush;
  while (flushing && Clock::now() < end) {
    if (stop.stop_requested()) throw Retryable("the process ends: ask again");
    std::this_thread::sleep_for(kBetweenLooks);
    if (!errands_.ask(place, look, kToBegin)) return false;
  }
  return true;
}

SnapshotMaking::Outcome SnapshotMaking::make(const fs::path& folder, const ErrandPlace& place,
                                             const std::stop_token& stop) {
  const MutexLock lock(mutex_);
  const auto begun = Clock::now();
  const Scaffold checkpoint(checkpoint_folder_(place));
  SnapshotDescription says;
  says.projection = place.projection;
  says.generation = place.generation;
  says.partition = place.partition;
  const Errands::Work work = [&](OwnedPartition& owned) {
    const std::optional<StateCheckpoint> head = stored_checkpoint(owned.store);
    if (!head || head->position() == 0) return;
    store_of(owned).checkpoint(checkpoint.path());
    says.generation_id = head->generation_id();
    says.version = head->version();
    says.position = Offset{head->position()};
    says.digest = Digest{head->digest()};
    says.published = head->published();
  };
  // Before a checkpoint is made: what stands in the way costs nothing.
  (void)find_snapshots(OwnFolder(folder, OwnFolder::Links::followed).path());
  if (!flush_beside(place, stop) || !errands_.ask(place, work, kToBegin)) {
    return {std::nullopt, Nothing::no_owner};
  }
  if (says.generation_id.empty()) return {std::nullopt, Nothing::nothing_folded};
  crash_point(CrashPoint("snapshot.checkpointed"));
  using std::chrono::milliseconds;
  says.made_at = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  // Its files come on top.
  says.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  const MadeSnapshot made = put_snapshot(folder, checkpoint.path(), std::move(says), stop);
  spdlog::info("snapshot made projection={} partition={} position={} bytes={} linked={} path={}",
               place.projection, place.partition.value, made.says.position.value, made.says.bytes(),
               made.linked, made.path.string());
  return {made};
}

}  // namespace sluice
