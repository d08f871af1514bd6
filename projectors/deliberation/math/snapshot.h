#pragma once

// Everything the math says about a conversation, computed anew from its votes: the same
// conversation gives the same bits, on any machine and however often. One thread, no clock, no I/O.

#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "projectors/deliberation/math/consensus.h"
#include "projectors/deliberation/math/group_votes.h"
#include "projectors/deliberation/math/participant_stats.h"
#include "projectors/deliberation/math/representativeness.h"

namespace sluice::math {

struct Snapshot {
  // Which of the conversation's numbers the rows and columns have. Who has no vote has no row.
  Per<Participant, std::uint32_t> participant_numbers;
  Per<Opinion, std::uint32_t> opinion_numbers;
  std::size_t votes = 0;

  Per<Opinion, OpinionStatus> status;
  Per<Opinion, Counts> counts;  // by everybody
  Per<Participant, std::uint32_t> vote_counts;
  std::vector<Participant> in_conv;  // in row order

  Per<Opinion, double> center;
  Components components;
  Points<Participant> participants;
  OpinionPlaces opinions;

  BaseClusters base;
  Groupings groupings;
  GroupVotes group_votes;
  std::optional<BaseVotes> base_votes;  // when asked for

  Per<Group, std::vector<Representative>> representatives;
  Consensus consensus;
  GroupAwareConsensus group_aware_consensus;
  Per<Opinion, double> priorities;
  std::vector<ParticipantStats> participant_stats;
};

// In the order in which they are computed.
enum class Stage {
  matrix,
  center,
  components,
  projections,
  base_clusters,
  groups,
  counts,
  statistics
};
[[nodiscard]] std::string_view name_of(Stage stage);

struct Request {
  bool base_votes = false;
  // Called when a stage is done, on the caller's thread.
  std::function<void(Stage)> done{};
  // Looked at between stages and between the rounds of the long ones.
  std::stop_token stop{};
};

// Nothing when stopped.
[[nodiscard]] std::optional<Snapshot> compute(const Conversation& conversation,
                                              const Request& request);
[[nodiscard]] Snapshot compute(const Conversation& conversation);

}  // namespace sluice::math
