#include "tools/sluice/node/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "storage/base/errors.h"
#include "tools/sluice/client/event_line.h"

namespace sluice {
namespace {

std::string read_or_make_instance(const std::filesystem::path& file) {
  std::string instance;
  if (std::ifstream in(file); in >> instance) return instance;
  // Renamed into place, so that a crash leaves all of it or nothing.
  instance = random_id();
  const std::filesystem::path fresh = file.string() + ".new";
  std::ofstream(fresh) << instance << "\n";
  std::filesystem::rename(fresh, file);
  return instance;
}

// Which of the folders above it is in the way.
std::string cause(const std::filesystem::path& path, const std::error_code& error) {
  std::filesystem::path above;
  for (const auto& part : path) {
    above /= part;
    struct stat about {};
    if (::stat(above.c_str(), &about) != 0) break;
    if (!S_ISDIR(about.st_mode)) return above.string() + " is no folder";
    if (::access(above.c_str(), X_OK) != 0) return above.string() + " is closed to this user";
  }
  return error.message();
}

}  // namespace

void make_closed_folder(const std::filesystem::path& path) {
  std::filesystem::create_directories(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

DataFolder::DataFolder(const std::filesystem::path& path) : path_(std::filesystem::absolute(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) {
    throw Misconfigured("cannot make " + path_.string() + " (" + cause(path_, error) +
                        "): give --data a folder that this user may write");
  }
  const std::string file = path_ / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    throw Misconfigured("cannot write in " + path_.string() + " (" + std::strerror(errno) +
                        "): give --data a folder that this user may write");
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw Misconfigured("another sluice runs on " + path_.string() +
                        ": stop it, or give --data another folder");
  }
  instance_ = read_or_make_instance(path_ / "instance");
}

DataFolder::~DataFolder() { ::close(lock_); }

}  // namespace sluice
