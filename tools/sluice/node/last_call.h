#pragma once

// What bounds the last flush of a process that ends.

#include <stop_token>
#include <thread>

namespace sluice {

// From its making on, when the process was told to end: where it is not destroyed within seconds,
// the flushes that are still waited for are given up. So the process ends in order within its
// bound, also while somebody holds a lock that they wait for; nothing is lost, since the log has
// all of it.
class LastCall {
 public:
  // `gives_up`: heeded by the sessions that flush.
  explicit LastCall(std::stop_source gives_up);

 private:
  std::jthread thread_;
};

}  // namespace sluice
