#include "tools/sluice/node/data_folder.h"

#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "storage/base/errors.h"
#include "tools/sluice/client/event_line.h"

namespace sluice {
namespace {

constexpr const char* kLock = "lock";
// Marks the folder as ours.
constexpr const char* kInstance = "instance";
constexpr const char* kFormat = "format";

// What a folder may hold before it is marked: what a start that was killed has left, and what a
// file system has of itself.
constexpr std::array<std::string_view, 3> kBeforeTheMark = {kLock, "instance.new", "lost+found"};

// A log that was put back from `sluice backup`, before the first start.
bool is_log(const std::filesystem::path& folder) {
  std::error_code failed;
  return folder.filename() == "log" && std::filesystem::is_regular_file(folder / "STREAMS", failed);
}

// State is not put beside the files of another program, or of a person.
void require_ours_or_empty(const OwnFolder& folder) {
  if (folder.read(kInstance)) return;
  std::vector<std::string> foreign = folder.names();
  std::erase_if(foreign, [&](const std::string& name) {
    return std::ranges::count(kBeforeTheMark, name) > 0 || is_log(folder.path() / name);
  });
  if (foreign.empty()) return;
  constexpr std::size_t kShown = 3;
  std::string shown;
  for (std::size_t i = 0; i < std::min(kShown, foreign.size()); ++i) {
    shown += (i > 0 ? ", " : "") + foreign[i];
  }
  throw Misconfigured(
      folder.path().string() + " holds " + shown + (foreign.size() > kShown ? ", ..." : "") +
      ", which sluice has not made: give --data an empty folder, or one of its own");
}

const std::filesystem::path& required(const std::filesystem::path& path) {
  if (path.empty()) throw Misconfigured("--data is empty: give it a folder, such as ./sluice-data");
  return path;
}

int locked(const OwnFolder& folder) {
  const int lock = folder.open(kLock);
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  ::close(lock);
  throw Misconfigured("another sluice runs on " + folder.path().string() +
                      ": stop it, or give --data another folder");
}

std::string read_or_make_instance(const OwnFolder& folder) {
  std::string instance = folder.read(kInstance).value_or("");
  instance = instance.substr(0, instance.find_first_of(" \n"));
  if (!instance.empty()) return instance;
  instance = random_id();
  folder.write(kInstance, instance + "\n");
  return instance;
}

// A folder from before there was a number has 1.
int known_format(const std::filesystem::path& folder, const std::string& text) {
  const std::string number = text.substr(0, text.find('\n'));
  int format = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), format);
  const bool whole = fault == std::errc() && end == number.data() + number.size() && format > 0;
  if (whole && format <= kDataFormat) return format;
  throw Misconfigured(folder.string() + " was written by a newer program (" +
                      (folder / kFormat).string() + " says \"" + number +
                      "\", this program knows up to " + std::to_string(kDataFormat) +
                      "): start that program, or give --data another folder");
}

void note_format(const OwnFolder& folder) {
  const std::optional<std::string> text = folder.read(kFormat);
  if (text && known_format(folder.path(), *text) == kDataFormat) return;
  folder.write(kFormat, std::to_string(kDataFormat) + "\n");
}

}  // namespace

DataFolder::DataFolder(const std::filesystem::path& path)
    : folder_(required(path), OwnFolder::Links::followed) {
  require_ours_or_empty(folder_);
  lock_ = locked(folder_);
  try {
    instance_ = read_or_make_instance(folder_);
    note_format(folder_);
  } catch (const Error&) {
    ::close(lock_);
    throw;
  }
}

DataFolder::~DataFolder() { ::close(lock_); }

void require_known_format(const std::filesystem::path& data) {
  std::string number;
  if (std::getline(std::ifstream(data / kFormat), number)) (void)known_format(data, number);
}

std::filesystem::path closed_folder(const std::filesystem::path& data, const std::string& name) {
  const std::filesystem::path folder =
      OwnFolder(data, OwnFolder::Links::followed).closed_folder(name);
  require_own_tree(folder);
  return folder;
}

}  // namespace sluice
