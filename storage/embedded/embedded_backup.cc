#include <filesystem>
#include <system_error>

#include "storage/base/errors.h"
#include "storage/embedded/durable_file.h"
#include "storage/embedded/embedded_log.h"
#include "storage/embedded/embedded_records.h"
#include "storage/embedded/lost_ends.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

}  // namespace

// What stands beside the database belongs to it: its streams, and what damage is known of.
void EmbeddedLog::back_up(const fs::path& folder) {
  if (secondary_) throw Misconfigured("a log that is only looked into is not copied");
  require_usable();
  const fs::path fresh = folder.string() + ".new";
  std::error_code failed;
  fs::remove_all(fresh, failed);
  try {
    const ReadLock access(access_);
    if (!records_) throw Retryable("the log has failed: the next append opens it again");
    records_->checkpoint(fresh);
    {
      const MutexLock lock(mutex_);
      list_streams(fresh);
    }
    for (const fs::path& file :
         {embedded::lost_ends_file(directory_), embedded::gaps_file(directory_)}) {
      if (!failed && fs::exists(file)) fs::copy_file(file, fresh / file.filename(), failed);
    }
    if (failed) throw Retryable("copy the log to " + folder.string() + ": " + failed.message());
    embedded::rename_durably(fresh, folder);
  } catch (const Error&) {
    fs::remove_all(fresh, failed);
    throw;
  }
}

}  // namespace sluice
