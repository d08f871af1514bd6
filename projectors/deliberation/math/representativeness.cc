#include "projectors/deliberation/math/representativeness.h"

#include <algorithm>
#include <cmath>

namespace sluice::math {
namespace {

constexpr std::size_t kMostRepresentatives = 5;

// The z-value of two proportions, each with one made-up success.
double two_proportions_test(std::uint32_t successes, std::uint32_t trials,
                            std::uint32_t other_successes, std::uint32_t other_trials) {
  const double a = static_cast<double>(successes) + 1;
  const double b = static_cast<double>(other_successes) + 1;
  const double n = static_cast<double>(trials) + 1;
  const double m = static_cast<double>(other_trials) + 1;
  const double pooled = (a + b) / (n + m);
  if (pooled == 1) return 0;
  return (a / n - b / m) / std::sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
}

Representative finalised(Opinion opinion, const Counts& counts, const Comparison& c) {
  if (c.agree_ratio_test > c.disagree_ratio_test) {
    return {opinion,        Choice::agree, counts.agrees,      counts.votes, c.p_agree,
            c.p_agree_test, c.agree_ratio, c.agree_ratio_test, std::nullopt};
  }
  return {opinion,           Choice::disagree, counts.disagrees,      counts.votes, c.p_disagree,
          c.p_disagree_test, c.disagree_ratio, c.disagree_ratio_test, std::nullopt};
}

double metric(const Representative& r) {
  return r.repness * r.repness_test * r.p_success * r.p_test;
}

bool sufficient(const Comparison& c) {
  return (c.agree_ratio_test > kSignificant && c.p_agree_test > kSignificant) ||
         (c.disagree_ratio_test > kSignificant && c.p_disagree_test > kSignificant);
}

// Collects a group's candidates, opinion by opinion in column order.
class Selection {
 public:
  void look_at(Opinion opinion, const Counts& counts, const Comparison& c) {
    if (sufficient(c)) sufficient_.push_back(finalised(opinion, counts, c));
    const double differs = std::max(c.agree_ratio_test, c.disagree_ratio_test);
    if (sufficient_.empty() && (!best_ || differs > best_differs_)) {
      best_ = finalised(opinion, counts, c);
      best_differs_ = differs;
    }
    if (beats_best_agree(counts, c)) {
      best_agree_ = finalised(opinion, counts, c);
      best_agree_->best_agree = counts.agrees;
      best_agree_comparison_ = c;
    }
  }

  [[nodiscard]] std::vector<Representative> chosen() && {
    if (sufficient_.empty()) {
      if (best_agree_) return {*best_agree_};
      if (best_) return {*best_};
      return {};
    }
    if (best_agree_) {
      std::erase_if(sufficient_,
                    [&](const Representative& r) { return r.opinion == best_agree_->opinion; });
    }
    std::ranges::stable_sort(sufficient_, std::ranges::greater{}, metric);
    if (best_agree_) sufficient_.insert(sufficient_.begin(), *best_agree_);
    if (sufficient_.size() > kMostRepresentatives) {
      sufficient_.erase(sufficient_.begin() + kMostRepresentatives, sufficient_.end());
    }
    std::ranges::stable_partition(
        sufficient_, [](const Representative& r) { return r.direction == Choice::agree; });
    return std::move(sufficient_);
  }

 private:
  [[nodiscard]] bool beats_best_agree(const Counts& counts, const Comparison& c) const {
    if (counts.agrees == 0 && counts.disagrees == 0) return false;
    if (!best_agree_) {
      return c.p_agree_test > kSignificant || (c.agree_ratio > 1 && c.p_agree > 0.5);
    }
    const Comparison& current = best_agree_comparison_;
    if (current.agree_ratio > 1) {
      return c.agree_ratio * c.agree_ratio_test * c.p_agree * c.p_agree_test >
             current.agree_ratio * current.agree_ratio_test * current.p_agree *
                 current.p_agree_test;
    }
    return c.p_agree * c.p_agree_test > current.p_agree * current.p_agree_test;
  }

  std::vector<Representative> sufficient_;
  std::optional<Representative> best_;
  double best_differs_ = 0;
  std::optional<Representative> best_agree_;
  Comparison best_agree_comparison_{};
};

}  // namespace

double probability(std::uint32_t successes, std::uint32_t trials) {
  return (static_cast<double>(successes) + 1) / (static_cast<double>(trials) + 2);
}

double proportion_test(std::uint32_t successes, std::uint32_t trials) {
  const double n = static_cast<double>(trials) + 1;
  return 2 * std::sqrt(n) * ((static_cast<double>(successes) + 1) / n - 0.5);
}

Comparison compare(const Counts& group, const Counts& others) {
  Comparison c{};
  c.p_agree = probability(group.agrees, group.votes);
  c.p_disagree = probability(group.disagrees, group.votes);
  c.p_agree_test = proportion_test(group.agrees, group.votes);
  c.p_disagree_test = proportion_test(group.disagrees, group.votes);
  c.agree_ratio = c.p_agree / probability(others.agrees, others.votes);
  c.disagree_ratio = c.p_disagree / probability(others.disagrees, others.votes);
  c.agree_ratio_test = two_proportions_test(group.agrees, group.votes, others.agrees, others.votes);
  c.disagree_ratio_test =
      two_proportions_test(group.disagrees, group.votes, others.disagrees, others.votes);
  return c;
}

Per<Group, std::vector<Representative>> representatives(const GroupVotes& votes,
                                                        const Per<Opinion, OpinionStatus>& status) {
  Per<Group, std::vector<Representative>> made;
  for (const Per<Opinion, Counts>& counts : votes.counts) {
    Selection selection;
    for (const Opinion o : counts.ids()) {
      if (status[o].zeroed()) continue;
      selection.look_at(o, counts[o], compare(counts[o], votes.all[o] - counts[o]));
    }
    made.push_back(std::move(selection).chosen());
  }
  return made;
}

}  // namespace sluice::math
