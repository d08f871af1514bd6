#include "tools/sluice/snapshots/restorations.h"

#include <utility>

namespace sluice {

Restorations::~Restorations() {
  const MutexLock lock(mutex_);
  for (const auto& [to, job] : jobs_) job->given_up = true;
  jobs_.clear();
}

Restorations::Brought Restorations::bring(const std::filesystem::path& from,
                                          const std::filesystem::path& to,
                                          const BringSnapshot& bring,
                                          std::chrono::milliseconds patience) {
  std::shared_ptr<Job> job = job_to(to);
  if (job != nullptr && job->from != from) {
    job->given_up = true;
    if (job->whole.wait_for(patience) != std::future_status::ready) return Brought::under_way;
    job.reset();
  }
  if (job == nullptr) {
    job = std::make_shared<Job>();
    job->from = from;
    job->whole = std::async(std::launch::async, [this, bring, &given_up = job->given_up] {
      const MutexLock alone(one_at_a_time_);
      return !given_up && bring(given_up);
    });
    keep(to, job);
  }
  if (job->whole.wait_for(patience) != std::future_status::ready) return Brought::under_way;
  keep(to, nullptr);
  return job->whole.get() ? Brought::whole : Brought::torn;
}

std::shared_ptr<Restorations::Job> Restorations::job_to(const std::filesystem::path& to) {
  const MutexLock lock(mutex_);
  const auto found = jobs_.find(to);
  return found == jobs_.end() ? nullptr : found->second;
}

void Restorations::keep(const std::filesystem::path& to, std::shared_ptr<Job> job) {
  const MutexLock lock(mutex_);
  if (job == nullptr) {
    jobs_.erase(to);
  } else {
    jobs_[to] = std::move(job);
  }
}

}  // namespace sluice
