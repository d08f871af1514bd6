#pragma once

#include <chrono>
#include <functional>

namespace sluice::http {

// One descriptor kept for the moment when the process has no other: closed, it makes room to accept
// a client and tell it so. One thread.
class DescriptorReserve {
 public:
  DescriptorReserve();
  ~DescriptorReserve();
  DescriptorReserve(const DescriptorReserve&) = delete;
  DescriptorReserve& operator=(const DescriptorReserve&) = delete;

  // Calls `use` while it returns true, each time with room for one descriptor, which it has closed
  // again when it returns. Not at all when another thread took the room before.
  void lend(const std::function<bool()>& use);

  // A log line, at most one in ten seconds, with how many clients were answered since the last.
  void report(int answered);

 private:
  void take();

  int descriptor_ = -1;
  std::chrono::steady_clock::time_point reported_;
  int unreported_ = 0;
};

}  // namespace sluice::http
