#include "projectors/deliberation/clustering.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "projectors/deliberation/ballot_votes.h"
#include "projectors/deliberation/math/in_conv.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::ConversationStats;
using deliberation::MathInput;
using deliberation::OpinionStats;

constexpr int kEnoughVotes = static_cast<int>(math::kEnoughVotes);

// So many participants with so many votes wait more, or less.
void count_waiting(std::int64_t votes, int change, MathInput& math) {
  if (votes <= 0) return;
  const int place = static_cast<int>(std::min<std::int64_t>(votes, kEnoughVotes)) - 1;
  math.set_waiting(place, math.waiting(place) + static_cast<std::uint32_t>(change));
}

int votes_to_be_clustered(const MathInput& math) {
  return std::clamp(static_cast<int>(math.voted_opinions()), 1, kEnoughVotes);
}

// How many wait who have so many votes or more.
std::uint32_t waiting_with(int votes, const MathInput& math) {
  std::uint32_t waiting = 0;
  for (int place = votes - 1; place < kEnoughVotes; ++place) waiting += math.waiting(place);
  return waiting;
}

void count_opinion(const OpinionStats& opinion, int change, MathInput& math) {
  const std::int64_t votes =
      opinion.agrees() + opinion.disagrees() + opinion.passes() - opinion.ineligible_votes();
  const bool first = change > 0 && votes == 1;
  const bool none_left = change < 0 && votes == 0;
  if (first || none_left) {
    math.set_voted_opinions(math.voted_opinions() + static_cast<std::uint32_t>(change));
  }
}

bool is_outside(const Ballot& ballot) { return !ballot.clustered() && !ballot.ineligible(); }

}  // namespace

MathInput no_votes() {
  MathInput math;
  for (int votes = 1; votes <= kEnoughVotes; ++votes) math.add_waiting(0);
  return math;
}

void count_for_math(OpinionStats& opinion, int change, const Ballot& ballot, MathInput& math) {
  if (ballot.ineligible()) {
    opinion.set_ineligible_votes(opinion.ineligible_votes() + change);
    return;
  }
  count_opinion(opinion, change, math);
  if (ballot.clustered()) return;
  count_waiting(ballot.vote_count() - change, -1, math);
  count_waiting(ballot.vote_count(), 1, math);
}

void lose_votes(MathInput& math) {
  math.set_voted_opinions(0);
  std::fill(math.mutable_waiting()->begin(), math.mutable_waiting()->end(), 0);
}

void Clustering::change_math(ConversationStats& stats, Ballot* voted) {
  MathInput& math = *stats.mutable_math();
  math.set_changed_at(folded_to_.value);
  math.set_changes(math.changes() + (voted != nullptr ? 1 : stats.total_vote_count()));
  // While fewer than fifteen are in, nobody else waits.
  if (voted != nullptr && is_outside(*voted) && voted->vote_count() > 0 &&
      (voted->vote_count() >= votes_to_be_clustered(math) ||
       math.clustered() < math::kEnoughParticipants)) {
    voted->set_clustered(true);
    count_waiting(voted->vote_count(), -1, math);
    math.set_clustered(math.clustered() + 1);
  }
  const bool few = math.clustered() < math::kEnoughParticipants;
  if (waiting_with(few ? 1 : votes_to_be_clustered(math), math) > 0) cluster_waiting(stats);
}

// Takes time with the participants, and comes to pass where opinions or participants go.
void Clustering::cluster_waiting(ConversationStats& stats) {
  const MathInput& math = stats.math();
  const int enough = votes_to_be_clustered(math);
  struct Waiting {
    std::int64_t votes;
    std::uint32_t number;
    std::string participant_id;
  };
  std::vector<Waiting> fewer;
  for (const Ballot& ballot : ballots_.prefix(stats.conversation_id())) {
    if (!is_outside(ballot) || ballot.vote_count() == 0) continue;
    if (ballot.vote_count() >= enough) {
      cluster(ballot, stats);
    } else {
      fewer.push_back({ballot.vote_count(), ballot.number(), ballot.participant_id()});
    }
  }
  std::ranges::sort(fewer, {}, [](const Waiting& w) { return std::tuple(-w.votes, w.number); });
  for (const Waiting& next : fewer) {
    if (math.clustered() >= math::kEnoughParticipants) return;
    cluster(*ballots_.find(stats.conversation_id(), next.participant_id), stats);
  }
}

void Clustering::cluster(const Ballot& ballot, ConversationStats& stats) {
  ballots_.edit_unshown(ballot.conversation_id(), ballot.participant_id()).set_clustered(true);
  if (ballot.ineligible()) return;
  count_waiting(ballot.vote_count(), -1, *stats.mutable_math());
  stats.mutable_math()->set_clustered(stats.math().clustered() + 1);
}

void Clustering::move_votes(const Ballot& ballot, ConversationStats& stats) {
  MathInput& math = *stats.mutable_math();
  const int change = ballot.ineligible() ? -1 : 1;
  ballot_votes::Vote vote;
  for (std::size_t at = 0; ballot_votes::next(ballot.votes(), at, vote);) {
    OpinionStats& opinion = opinions_.edit_unshown(ballot.conversation_id(), vote.opinion_id);
    opinion.set_ineligible_votes(opinion.ineligible_votes() - change);
    count_opinion(opinion, change, math);
  }
  if (ballot.clustered()) {
    math.set_clustered(math.clustered() + static_cast<std::uint32_t>(change));
  } else {
    count_waiting(ballot.vote_count(), change, math);
  }
}

}  // namespace sluice
