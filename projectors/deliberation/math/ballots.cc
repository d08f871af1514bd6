#include "projectors/deliberation/math/ballots.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/base/check.h"

namespace sluice::math {
namespace {

std::uint64_t pair_of(std::uint32_t participant, std::uint32_t opinion) {
  return std::uint64_t{participant} << 32 | opinion;
}

}  // namespace

Ballots::Ballots(std::vector<OpinionStatus> opinions)
    : opinions_(std::move(opinions)), votes_on_opinion_(opinions_.size()) {}

std::uint32_t Ballots::number_of(std::uint64_t voter) {
  const auto [found, is_new] =
      numbers_.try_emplace(voter, static_cast<std::uint32_t>(voters_.size()));
  if (is_new) {
    voters_.push_back(voter);
    votes_of_participant_.push_back(0);
  }
  return found->second;
}

void Ballots::cast(std::uint64_t voter, std::uint32_t opinion, std::optional<Choice> choice) {
  CHECK(opinion < opinions_.size(), "votes are on opinions that were named");
  if (!choice && !numbers_.contains(voter)) return;
  const std::uint32_t participant = number_of(voter);
  std::optional<Choice>& current = choices_[pair_of(participant, opinion)];
  if (choice.has_value() != current.has_value()) {
    if (choice) {
      ++votes_of_participant_[participant];
      if (votes_on_opinion_[opinion]++ == 0) ++voted_opinions_;
    } else {
      --votes_of_participant_[participant];
      if (--votes_on_opinion_[opinion] == 0) --voted_opinions_;
    }
  }
  current = choice;
  in_conv_.voted(participant, votes_of_participant_[participant], voted_opinions_);
}

Conversation Ballots::conversation() const {
  Conversation made{.opinions = opinions_, .in_conv = in_conv_.members(), .votes = {}};
  made.votes.reserve(choices_.size());
  for (const auto& [pair, choice] : choices_) {
    if (!choice) continue;
    made.votes.push_back({.participant = static_cast<std::uint32_t>(pair >> 32),
                          .opinion = static_cast<std::uint32_t>(pair),
                          .choice = *choice});
  }
  std::ranges::sort(made.votes, {},
                    [](const Vote& vote) { return std::pair(vote.participant, vote.opinion); });
  return made;
}

}  // namespace sluice::math
