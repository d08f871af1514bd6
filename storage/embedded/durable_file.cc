#include "storage/embedded/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "storage/base/errors.h"

namespace sluice::embedded {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file) {
  throw Retryable("write " + file.string() + ": " + std::generic_category().message(errno));
}

bool write_and_sync(int fd, const std::string& text) {
  return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         ::fsync(fd) == 0;
}

// A rename is durable once its folder is.
bool sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

}  // namespace

void write_durable_file(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path fresh = file.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail(fresh);
  const bool written = write_and_sync(fd, text);
  const int cause = errno;
  ::close(fd);
  errno = cause;
  if (!written || ::rename(fresh.c_str(), file.c_str()) != 0 || !sync_folder(file.parent_path()))
    fail(fresh);
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (!sync_folder(from) || ::rename(from.c_str(), to.c_str()) != 0 ||
      !sync_folder(to.parent_path()))
    fail(to);
}

}  // namespace sluice::embedded
