#pragma once

// What the fold keeps for the math beside the votes: numbers for opinions and ballots in their
// order, and which participants are clustered. The rule holds after every fact: a participant with
// min(7, opinions with a vote) votes is in; while fewer than fifteen are, so are those with the
// most votes, of equals the earlier; nobody who is in leaves. Only eligible participants and their
// votes count. Source: the math's specification, section 3.

#include <cstdint>

#include "deliberation/tables.pb.h"
#include "projectors/engine/tables.h"
#include "storage/base/position.h"

namespace sluice {

// Of a new conversation.
[[nodiscard]] deliberation::MathInput no_votes();

[[nodiscard]] inline std::uint32_t next_opinion(deliberation::MathInput& math) {
  math.set_opinions(math.opinions() + 1);
  return math.opinions();
}
[[nodiscard]] inline std::uint32_t next_ballot(deliberation::MathInput& math) {
  math.set_ballots(math.ballots() + 1);
  return math.ballots();
}

// The ballot has gained (1) or lost (-1) a vote on the opinion: both are counted already.
void count_for_math(deliberation::OpinionStats& opinion, int change,
                    const deliberation::Ballot& ballot, deliberation::MathInput& math);

// Every vote is gone.
void lose_votes(deliberation::MathInput& math);

// Which participants are clustered, as facts change what they have voted.
class Clustering {
 public:
  // Both outlive this.
  Clustering(Table<deliberation::Ballot>& ballots, Table<deliberation::OpinionStats>& opinions)
      : ballots_(ballots), opinions_(opinions) {}

  // A record is about to be folded; the position behind it.
  void begin(Offset folded_to) { folded_to_ = folded_to; }
  // The input of the math has changed, by votes on this ballot if one is given: participants who
  // now qualify are clustered.
  void change_math(deliberation::ConversationStats& stats, deliberation::Ballot* voted = nullptr);
  // The ballot's participant, who is not, is from now on.
  void cluster(const deliberation::Ballot& ballot, deliberation::ConversationStats& stats);
  // The votes on the ballot, which has become ineligible or eligible again, leave the math or come
  // back to it.
  void move_votes(const deliberation::Ballot& ballot, deliberation::ConversationStats& stats);

 private:
  void cluster_waiting(deliberation::ConversationStats& stats);

  Table<deliberation::Ballot>& ballots_;
  Table<deliberation::OpinionStats>& opinions_;
  Offset folded_to_;
};

}  // namespace sluice
