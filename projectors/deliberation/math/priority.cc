#include "projectors/deliberation/math/priority.h"

#include <array>
#include <cmath>

namespace sluice::math {
namespace {

constexpr double kMetaPriority = 7.0 * 7.0;
constexpr double kBoostOfNew = 8;
// 2^(-i/5): the library's exp2 differs between CPUs in the last bits.
constexpr std::array<double, 5> kFifths{1.0, 0.8705505632961241, 0.757858283255199,
                                        0.6597539553864471, 0.5743491774985175};

// 2^(-votes/5)
double fading(std::uint32_t votes) {
  return std::ldexp(kFifths[votes % 5], -static_cast<int>(votes / 5));
}

}  // namespace

double priority(const Counts& votes, double extremity, bool is_meta) {
  if (is_meta) return kMetaPriority;
  const double n = static_cast<double>(votes.votes) + 2;
  const double passes = static_cast<double>(votes.votes - votes.agrees - votes.disagrees);
  const double importance =
      (1 - (passes + 1) / n) * (extremity + 1) * ((static_cast<double>(votes.agrees) + 1) / n);
  const double boosted = importance * (1 + kBoostOfNew * fading(votes.votes));
  return boosted * boosted;
}

Per<Opinion, double> priorities(const GroupVotes& votes, const Per<Opinion, double>& extremity,
                                const Per<Opinion, OpinionStatus>& status) {
  Per<Opinion, double> made(extremity.size());
  for (const Opinion o : extremity.ids()) {
    made[o] = priority(votes.all[o], extremity[o], status[o].is_meta);
  }
  return made;
}

}  // namespace sluice::math
