#pragma once

#include <chrono>
#include <ctime>

namespace sluice {

[[nodiscard]] inline std::chrono::nanoseconds cpu_time(clockid_t of) {
  timespec used{};
  ::clock_gettime(of, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// What the calling thread has used of a processor.
[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() {
  return cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace sluice
