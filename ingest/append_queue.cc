#include "ingest/append_queue.h"

#include <utility>

namespace sluice {

bool AppendQueue::put(AppendRequest& request) {
  const std::size_t size = request.batch.bytes.size();
  const MutexLock lock(mutex_);
  const bool full = bytes_ + size > most_.bytes || waiting_.size() >= most_.requests;
  if (stopped_ || (full && !waiting_.empty())) return false;
  bytes_ += size;
  waiting_.push_back(std::move(request));
  if (waiting_.size() == 1) more_.notify_one();
  return true;
}

std::vector<AppendRequest> AppendQueue::take(const std::stop_token& stop, std::size_t bytes) {
  MutexLock lock(mutex_);
  more_.wait(lock, stop, [this]() SLUICE_REQUIRES(mutex_) { return !waiting_.empty(); });
  std::vector<AppendRequest> group;
  std::size_t taken = 0;
  while (!waiting_.empty() && (group.empty() || taken < bytes)) {
    taken += waiting_.front().batch.bytes.size();
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  bytes_ -= taken;
  stopped_ = group.empty();
  return group;
}

AppendQueue::Size AppendQueue::waiting() const {
  const MutexLock lock(mutex_);
  return {waiting_.size(), bytes_};
}

}  // namespace sluice
