#pragma once

// What the fold keeps for the math beside the votes: numbers for opinions and ballots in their
// order, and which participants are clustered. The rule holds after every fact: a participant with
// min(7, opinions with a vote) votes is in; while fewer than fifteen are, so are those with the
// most votes, of equals the earlier; nobody who is in leaves. Only eligible participants and their
// votes count. Source: the math's specification, section 3.

#include "deliberation/tables.pb.h"

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

}  // namespace sluice
