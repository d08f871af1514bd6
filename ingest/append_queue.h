#pragma once

#include <cstddef>
#include <deque>
#include <stop_token>
#include <vector>

#include "ingest/append_request.h"
#include "storage/base/mutex.h"

namespace sluice {

// Requests that wait for the log, oldest first, within bounds. Any thread.
class AppendQueue {
 public:
  struct Size {
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };
  explicit AppendQueue(Size most) : most_(most) {}

  // Takes the request, or returns false and leaves it as it is: too much waits, or take() has said
  // that nothing more comes. A request larger than the whole bound passes when nothing else waits.
  [[nodiscard]] bool put(AppendRequest& request);

  // Waits for requests and takes the oldest, about `bytes` of them; none when stopped and empty.
  [[nodiscard]] std::vector<AppendRequest> take(const std::stop_token& stop, std::size_t bytes);

  [[nodiscard]] Size waiting() const;

 private:
  const Size most_;
  mutable Mutex mutex_;
  ConditionVariable more_;
  std::deque<AppendRequest> waiting_ SLUICE_GUARDED_BY(mutex_);
  std::size_t bytes_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool stopped_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
