#pragma once

// Which opinions stand for a group: on which its members agree among themselves and differ from the
// others. Source: the specification, section 7.

#include <optional>
#include <vector>

#include "projectors/deliberation/math/group_votes.h"

namespace sluice::math {

// A z-value above this is significant, strictly.
inline constexpr double kSignificant = 1.2816;

// How likely a vote is, with one made-up vote for each side.
[[nodiscard]] double probability(std::uint32_t successes, std::uint32_t trials);
// The z-value of so many successes against one half. +1 without a trial.
[[nodiscard]] double proportion_test(std::uint32_t successes, std::uint32_t trials);

// A group's votes on an opinion beside those of the other groups.
struct Comparison {
  double p_agree, p_disagree;
  double p_agree_test, p_disagree_test;
  double agree_ratio, disagree_ratio;  // the probability over that of the others
  double agree_ratio_test, disagree_ratio_test;
};

[[nodiscard]] Comparison compare(const Counts& group, const Counts& others);

struct Representative {
  Opinion opinion;
  Choice direction;  // agree or disagree
  std::uint32_t successes, trials;
  double p_success, p_test;
  double repness, repness_test;
  // How many agree, on the opinion that most agree with, and on it alone.
  std::optional<std::uint32_t> best_agree;
};

// For each group at most five, those with which it agrees first.
[[nodiscard]] Per<Group, std::vector<Representative>> representatives(
    const GroupVotes& votes, const Per<Opinion, OpinionStatus>& status);

}  // namespace sluice::math
