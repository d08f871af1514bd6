#include "tools/sluice/verification/scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "storage/base/errors.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "sluice-scratch-";

int open_lock(const fs::path& folder, int flags) {
  return ::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

bool is_ours(const fs::path& folder) {
  struct stat about {};
  return ::lstat(folder.c_str(), &about) == 0 && S_ISDIR(about.st_mode) &&
         about.st_uid == ::geteuid();
}

// A folder whose lock can be had belongs to nobody who lives.
void remove_left_over(const fs::path& parent) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(parent, none)) {
    if (!entry.path().filename().string().starts_with(kPrefix) || !is_ours(entry.path())) continue;
    const int lock = open_lock(entry.path(), 0);
    if (lock < 0) continue;
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) fs::remove_all(entry.path(), none);
    ::close(lock);
  }
}

}  // namespace

ScratchFolder::ScratchFolder(const fs::path& parent) {
  const fs::path above = parent.empty() ? fs::temp_directory_path() : parent;
  remove_left_over(above);
  std::string path = above / (std::string(kPrefix) + "XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    throw Misconfigured("no folder can be made in " + above.string() + " (" + std::strerror(errno) +
                        "): name another by --scratch");
  }
  path_ = path;
  lock_ = open_lock(path_, O_CREAT);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    throw Misconfigured("cannot write in " + path_.string() + ": name another folder by --scratch");
  }
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(lock_);
}

}  // namespace sluice
