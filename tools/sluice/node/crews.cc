#include "tools/sluice/node/crews.h"

namespace sluice {

// All are told before one is waited for: each flushes what it has.
Crews::~Crews() {
  for (auto& [place, threads] : crews_) request_stop(threads);
}

void Crews::request_stop(Threads& threads) {
  for (std::jthread& thread : threads) thread.request_stop();
}

void Crews::set(const std::set<CrewPlace>& wanted) {
  for (auto& [place, threads] : crews_) {
    if (!wanted.contains(place)) request_stop(threads);
  }
  std::erase_if(crews_, [&](const auto& crew) { return !wanted.contains(crew.first); });
  for (const CrewPlace& place : wanted) {
    Threads& threads = crews_[place];
    while (static_cast<int>(threads.size()) < workers_) {
      const int worker = static_cast<int>(threads.size());
      threads.emplace_back(
          [this, place, worker](const std::stop_token& stop) { work_(place, worker, stop); });
    }
  }
}

}  // namespace sluice
