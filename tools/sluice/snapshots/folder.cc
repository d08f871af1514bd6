#include "tools/sluice/snapshots/folder.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <utility>

#include "storage/base/errors.h"
#include "tools/sluice/snapshots/files.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

using Take = std::function<void(const fs::path& path, const std::string& name)>;

[[noreturn]] void refuse(const fs::path& stranger) {
  throw Misconfigured(stranger.string() +
                      " is no part of a snapshot, or a link, which is not followed: move it away, "
                      "or name another folder");
}

// A file system has this of itself.
bool is_of_file_system(const std::string& name) { return name == "lost+found"; }

bool is_word(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
  });
}

template <class Number>
bool parse(const std::string& name, Number& number) {
  const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
  return read.ec == std::errc() && read.ptr == name.data() + name.size() && number >= 0 &&
         std::to_string(number) == name;
}

// Folders below, in the order of their names. What is none goes to `stranger`.
void for_each_folder(const fs::path& folder, const Take& take,
                     const std::function<void(const fs::path&)>& stranger) {
  std::error_code failed;
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder, failed)) all.push_back(entry.path());
  if (failed) {
    throw Misconfigured("cannot look into " + folder.string() + " (" + failed.message() + ")");
  }
  std::ranges::sort(all);
  for (const fs::path& path : all) {
    const std::string name = path.filename().string();
    if (is_of_file_system(name)) continue;
    if (is_word(name) && fs::is_directory(fs::symlink_status(path, failed))) {
      take(path, name);
    } else {
      stranger(path);
    }
  }
}

std::optional<std::string> text_of(const fs::path& file) {
  if (!look_at_file(file)) return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return std::nullopt;
  return std::move(text).str();
}

FoundSnapshot look_at(const fs::path& path, const SnapshotPlace& place, Offset position) {
  FoundSnapshot found{path, place, position, std::nullopt, SnapshotFault::torn};
  const std::optional<std::string> text = text_of(path / kDescriptionFile);
  if (text) found.says = parse_description(*text);
  if (!found.says) {
    if (text && is_newer_description(*text)) found.fault = SnapshotFault::version;
    return found;
  }
  const SnapshotDescription& says = *found.says;
  const bool at_home = says.projection == place.projection &&
                       says.generation_id == place.generation_id &&
                       says.partition == place.partition && says.position == position;
  found.fault = at_home ? std::nullopt : std::optional(SnapshotFault::alien);
  return found;
}

void find_in(const fs::path& folder, const SnapshotPlace& place, std::vector<FoundSnapshot>& found,
             const std::function<void(const fs::path&)>& stranger) {
  const auto before = static_cast<std::ptrdiff_t>(found.size());
  const Take take = [&](const fs::path& path, const std::string& name) {
    Offset position;
    if (!parse(name, position.value)) return stranger(path);
    found.push_back(look_at(path, place, position));
  };
  for_each_folder(folder, take, stranger);
  std::ranges::stable_sort(found.begin() + before, found.end(), std::ranges::greater{},
                           &FoundSnapshot::position);
}

void pass_over(const fs::path&) {}

fs::path folder_of(const fs::path& folder, const SnapshotPlace& place) {
  return folder / place.projection / place.generation_id / std::to_string(place.partition.value);
}

// The description first: what is left of a death in between is torn.
void remove(const FoundSnapshot& snapshot) {
  std::error_code failed;
  fs::remove(snapshot.path / kDescriptionFile, failed);
  if (!failed) fs::remove_all(snapshot.path, failed);
  if (failed) {
    throw Misconfigured("cannot remove " + snapshot.path.string() + " (" + failed.message() + ")");
  }
}

}  // namespace

std::vector<FoundSnapshot> find_snapshots(const fs::path& folder) {
  std::vector<FoundSnapshot> found;
  for_each_folder(
      folder,
      [&](const fs::path& projection, const std::string& projection_name) {
        for_each_folder(
            projection,
            [&](const fs::path& generation, const std::string& id) {
              for_each_folder(
                  generation,
                  [&](const fs::path& path, const std::string& name) {
                    SnapshotPlace place{projection_name, id, {}};
                    if (!parse(name, place.partition.value)) refuse(path);
                    find_in(path, place, found, refuse);
                  },
                  refuse);
            },
            refuse);
      },
      refuse);
  return found;
}

std::vector<FoundSnapshot> snapshots_of(const fs::path& folder, const SnapshotPlace& place) {
  std::vector<FoundSnapshot> found;
  const fs::path below = folder_of(folder, place);
  std::error_code failed;
  if (fs::is_directory(fs::symlink_status(below, failed))) find_in(below, place, found, pass_over);
  return found;
}

std::vector<FoundSnapshot> snapshots_of_others(const fs::path& folder, const SnapshotPlace& place) {
  std::vector<FoundSnapshot> found;
  const fs::path projection = folder / place.projection;
  std::error_code failed;
  if (!fs::is_directory(fs::symlink_status(projection, failed))) return found;
  const Take take = [&](const fs::path&, const std::string& id) {
    if (id == place.generation_id) return;
    auto all = snapshots_of(folder, {place.projection, id, place.partition});
    if (!all.empty()) found.push_back(std::move(all.front()));
  };
  for_each_folder(projection, take, pass_over);
  return found;
}

std::vector<FaultyFile> verify_snapshot(const FoundSnapshot& snapshot) {
  std::vector<FaultyFile> faults;
  if (snapshot.fault) faults.push_back({snapshot.path, std::string(word(*snapshot.fault))});
  if (!snapshot.says) return faults;
  for (const SnapshotFile& file : snapshot.says->files) {
    const fs::path path = snapshot.path / file.name;
    if (checksum_of_file(path) != file.checksum) faults.push_back({path, "torn"});
  }
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(snapshot.path, failed)) {
    const std::string name = entry.path().filename().string();
    if (name == kDescriptionFile || snapshot.says->file(name) != nullptr) continue;
    faults.push_back({entry.path(), "foreign"});
  }
  return faults;
}

Pruned prune_snapshots(const std::vector<FoundSnapshot>& found, const Pruning& pruning, Time now) {
  Pruned pruned;
  std::map<SnapshotPlace, std::size_t> kept;
  for (const FoundSnapshot& snapshot : found) {
    if (snapshot.is_newer()) {
      ++pruned.kept;
      continue;
    }
    const bool whole = snapshot.says && !snapshot.fault;
    const bool old = whole && now - snapshot.says->made_at > pruning.older;
    if (whole && !old && kept[snapshot.place] < pruning.keep) {
      ++kept[snapshot.place];
      ++pruned.kept;
      continue;
    }
    const FolderHold alone(snapshot.path, FolderHold::Kind::alone);
    if (alone.held()) {
      remove(snapshot);
      ++pruned.removed;
    } else {
      ++pruned.kept;
    }
  }
  return pruned;
}

}  // namespace sluice
