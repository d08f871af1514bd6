#include "tests/support/eventually.h"

#include <thread>

namespace sluice::testing {

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  constexpr auto kBetween = std::chrono::milliseconds(5);
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kBetween);
  }
  return true;
}

}  // namespace sluice::testing
