#include "tools/sluice/node/fold_pace.h"

namespace sluice {

void FoldPace::at(Clock::time_point now, const std::map<std::int32_t, std::int64_t>& folded,
                  double share) {
  double records = looks_.empty() ? 0 : looks_.back().records;
  for (const auto& [partition, offset] : folded) {
    const auto before = folded_.find(partition);
    if (before == folded_.end() || offset < before->second) continue;
    records += static_cast<double>(offset - before->second);
  }
  folded_ = folded;
  // The last one from before the window stays: what came after it is within.
  while (looks_.size() > 1 && looks_[1].at <= now - kWindow) looks_.pop_front();
  looks_.push_back({now, records});
  if (share != share_ && share_ > 0) {
    for (Look& look : looks_) look.records *= share / share_;
  }
  share_ = share;
}

std::optional<double> FoldPace::events_a_second() const {
  if (looks_.empty() || looks_.back().at - looks_.front().at < kEarly) return std::nullopt;
  const std::chrono::duration<double> seconds = looks_.back().at - looks_.front().at;
  return (looks_.back().records - looks_.front().records) / seconds.count();
}

}  // namespace sluice
