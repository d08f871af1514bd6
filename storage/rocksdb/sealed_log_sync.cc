#include "storage/rocksdb/sealed_log_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>

namespace sluice {
namespace {

bool sync_file(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  // One that has just been removed holds nothing that is still needed.
  if (fd < 0) return errno == ENOENT;
  const bool synced = fdatasync(fd) == 0;
  close(fd);
  return synced;
}

}  // namespace

void SealedLogSync::OnMemTableSealed(const rocksdb::MemTableInfo&) {
  std::error_code failed;
  std::filesystem::directory_iterator at(directory_, failed);
  for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) {
    if (at->path().extension() == ".log" && !sync_file(at->path())) failed_ = true;
  }
  if (failed) failed_ = true;
}

}  // namespace sluice
