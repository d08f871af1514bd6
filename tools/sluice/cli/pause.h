#pragma once

#include <chrono>
#include <stop_token>

namespace sluice {

// Returns early when stopped.
void pause(std::chrono::milliseconds length, const std::stop_token& stop);
void pause_until(std::chrono::steady_clock::time_point end, const std::stop_token& stop);

}  // namespace sluice
