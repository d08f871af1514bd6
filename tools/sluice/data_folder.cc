#include "tools/sluice/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "storage/errors.h"
#include "tools/sluice/event_line.h"

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

}  // namespace

DataFolder::DataFolder(const std::filesystem::path& path) : path_(std::filesystem::absolute(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) {
    throw Misconfigured("cannot make " + path_.string() + " (" + error.message() +
                        "): give --data a folder that this user may write");
  }
  // Others may pass through, as the private Postgres's user must; what mktemp makes is closed.
  std::filesystem::permissions(
      path_, std::filesystem::perms::group_exec | std::filesystem::perms::others_exec,
      std::filesystem::perm_options::add, error);
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
