#include "projectors/deliberation/math/in_conv.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice::math {

void InConv::admit(std::uint32_t participant) {
  if (members_[participant]) return;
  members_[participant] = true;
  ++count_;
}

// Those with the most votes, of equals the earlier. While fifteen are not in, everybody with a vote
// is, so that this looks at fewer than fifteen.
void InConv::fill() {
  while (count_ < kEnoughParticipants) {
    std::uint32_t most = 0;
    std::uint32_t chosen = 0;
    for (std::uint32_t p = 0; p < votes_.size(); ++p) {
      if (members_[p] || votes_[p] <= most) continue;
      most = votes_[p];
      chosen = p;
    }
    if (most == 0) return;
    admit(chosen);
  }
}

void InConv::voted(std::uint32_t participant, std::uint32_t votes, std::uint32_t opinions) {
  CHECK(participant <= votes_.size(), "participants are numbered as they come");
  if (participant == votes_.size()) {
    votes_.push_back(0);
    members_.push_back(false);
  }
  votes_[participant] = votes;
  const std::uint32_t bar = std::max(std::min(kEnoughVotes, opinions), std::uint32_t{1});
  if (bar < bar_) {
    for (std::uint32_t p = 0; p < votes_.size(); ++p) {
      if (votes_[p] >= bar) admit(p);
    }
  }
  bar_ = bar;
  if (votes >= bar) admit(participant);
  fill();
}

}  // namespace sluice::math
