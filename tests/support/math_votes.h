#pragma once

// Seeded conversations for the math: random ones of every degenerate kind, and large ones that look
// like real ones.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "projectors/deliberation/math/ballots.h"
#include "projectors/deliberation/math/conversation.h"

namespace sluice::testing {

// splitmix64, so that a seed means the same everywhere.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // From 0 to below 1.
  double real() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // From 0 to below `end`.
  std::uint32_t below(std::size_t end) { return static_cast<std::uint32_t>(next() % end); }
  bool happens(double probability) { return real() < probability; }

  template <class Value>
  void shuffle(std::vector<Value>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t state_;
};

// One vote after another, as they were cast.
struct Cast {
  std::uint64_t voter;
  std::uint32_t opinion;
  std::optional<math::Choice> choice;
};

inline math::Conversation fold(const std::vector<math::OpinionStatus>& opinions,
                               const std::vector<Cast>& casts) {
  math::Ballots ballots(opinions);
  for (const Cast& cast : casts) ballots.cast(cast.voter, cast.opinion, cast.choice);
  return ballots.conversation();
}

struct VotesShape {
  std::uint64_t seed = 1;
  std::uint32_t participants = 200;
  std::uint32_t opinions = 60;
  std::size_t votes = 3'000;
  std::uint32_t groups = 3;
  double moderated = 0;  // share of the opinions
};

// Camps that differ on a third of the opinions; few participants vote much and most vote little;
// earlier opinions have more votes. Votes come in the order of a shuffled log.
class GroupedVotes {
 public:
  explicit GroupedVotes(const VotesShape& shape) : shape_(shape), chance_(shape.seed) {}

  math::Conversation make() {
    made_.opinions.resize(shape_.opinions);
    for (auto& opinion : made_.opinions) opinion.moderated_out = chance_.happens(shape_.moderated);
    prefer();
    const auto counts = votes_each();
    std::vector<std::uint32_t> last(shape_.opinions, shape_.participants);
    for (std::uint32_t p = 0; p < shape_.participants; ++p) {
      made_.in_conv.push_back(p < 15 || counts[p] >= 7);
      for (std::uint32_t n = 0; n < counts[p]; ++n) vote(p, last);
    }
    chance_.shuffle(made_.votes);
    return std::move(made_);
  }

 private:
  void prefer() {
    for (std::uint32_t o = 0; o < shape_.opinions; ++o) {
      const bool divides = chance_.happens(0.33);
      const double common = chance_.real();
      for (std::uint32_t g = 0; g < shape_.groups; ++g) {
        agreement_.push_back(divides ? (chance_.happens(0.5) ? 0.85 : 0.1) : common);
      }
    }
  }

  // They add up to the votes that were asked for.
  std::vector<std::uint32_t> votes_each() {
    std::vector<double> weight;
    double sum = 0;
    for (std::uint32_t p = 0; p < shape_.participants; ++p) {
      weight.push_back(1 / (0.05 + chance_.real()));
      sum += weight.back();
    }
    std::vector<std::uint32_t> counts;
    std::size_t total = 0;
    for (const double w : weight) {
      const double wanted = static_cast<double>(shape_.votes) * w / sum;
      counts.push_back(std::clamp(static_cast<std::uint32_t>(wanted), 1U, shape_.opinions));
      total += counts.back();
    }
    while (total != shape_.votes) {
      std::uint32_t& count = counts[chance_.below(counts.size())];
      if (total < shape_.votes && count < shape_.opinions) {
        ++count, ++total;
      } else if (total > shape_.votes && count > 1) {
        --count, --total;
      }
    }
    return counts;
  }

  void vote(std::uint32_t participant, std::vector<std::uint32_t>& last) {
    const double r = chance_.real();
    auto opinion = static_cast<std::uint32_t>(r * std::sqrt(r) * shape_.opinions);
    while (last[opinion] == participant) opinion = (opinion + 1) % shape_.opinions;
    last[opinion] = participant;
    const double agrees = agreement_[opinion * shape_.groups + participant % shape_.groups];
    const bool passes = chance_.happens(0.12);
    const auto side = chance_.happens(agrees) ? math::Choice::agree : math::Choice::disagree;
    made_.votes.push_back({participant, opinion, passes ? math::Choice::pass : side});
  }

  const VotesShape shape_;
  Chance chance_;
  math::Conversation made_;
  std::vector<double> agreement_;
};

inline math::Conversation grouped_votes(const VotesShape& shape) {
  return GroupedVotes(shape).make();
}

}  // namespace sluice::testing
