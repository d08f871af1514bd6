#pragma once

#include <chrono>
#include <ctime>

namespace sluice {

// What the calling thread has used of a processor.
[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace sluice
