#pragma once

// Vote events folded to what the math is computed from: current votes, the order of first votes,
// and who is clustered. Source: the specification, sections 1 and 3.

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "projectors/deliberation/math/conversation.h"
#include "projectors/deliberation/math/in_conv.h"

namespace sluice::math {

class Ballots {
 public:
  // The opinions that may be voted on.
  explicit Ballots(std::vector<OpinionStatus> opinions);

  // A participant's number: numbers are given in the order of first votes. `voter` is any number of
  // the caller's.
  // A repeat changes nothing, another choice replaces, nullopt withdraws.
  void cast(std::uint64_t voter, std::uint32_t opinion, std::optional<Choice> choice);

  // Who has which number: the caller's voters.
  [[nodiscard]] const std::vector<std::uint64_t>& voters() const { return voters_; }

  [[nodiscard]] Conversation conversation() const;

 private:
  std::uint32_t number_of(std::uint64_t voter);

  std::vector<OpinionStatus> opinions_;
  std::vector<std::uint64_t> voters_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  // By participant and opinion; withdrawn ones stay without a choice.
  std::unordered_map<std::uint64_t, std::optional<Choice>> choices_;
  std::vector<std::uint32_t> votes_of_participant_;
  std::vector<std::uint32_t> votes_on_opinion_;
  std::uint32_t voted_opinions_ = 0;
  InConv in_conv_;
};

}  // namespace sluice::math
