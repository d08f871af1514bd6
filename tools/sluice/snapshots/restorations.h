#pragma once

// Snapshots on their way to states of this process: read, compared with their checksums and linked
// or copied by a thread of their own, since that takes seconds and workers have other partitions.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>

#include "storage/base/mutex.h"
#include "storage/state_snapshots.h"

namespace sluice {

// Brings one into a folder. False: it is not whole, and nothing is left of the folder. Gives up,
// with false, once it is told to.
using BringSnapshot = std::function<bool(const std::atomic<bool>& given_up)>;

// One is brought at a time, whatever memory and threads that takes. Any thread, but of one target
// one at a time. Ends with those under way given up.
class Restorations {
 public:
  using Brought = StateSnapshots::Brought;

  Restorations() = default;
  ~Restorations();
  Restorations(const Restorations&) = delete;
  Restorations& operator=(const Restorations&) = delete;

  // The snapshot `from` to the folder `to`: begun, if this is not under way, and waited for as long
  // as that. Another one that is under way to the same folder is given up. Throws what `bring`
  // threw.
  [[nodiscard]] Brought bring(const std::filesystem::path& from, const std::filesystem::path& to,
                              const BringSnapshot& bring, std::chrono::milliseconds patience);

 private:
  struct Job {
    std::filesystem::path from;
    std::atomic<bool> given_up = false;
    std::future<bool> whole;  // last: what it waits for uses the others
  };
  [[nodiscard]] std::shared_ptr<Job> job_to(const std::filesystem::path& to);
  void keep(const std::filesystem::path& to, std::shared_ptr<Job> job);  // null: there is none

  Mutex one_at_a_time_;
  Mutex mutex_;
  std::map<std::filesystem::path, std::shared_ptr<Job>> jobs_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
