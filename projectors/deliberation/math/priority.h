#pragma once

// How much an opinion is worth showing next. Source: the specification, section 8.

#include "projectors/deliberation/math/group_votes.h"

namespace sluice::math {

// Of one opinion, from the votes of the participants who are clustered.
[[nodiscard]] double priority(const Counts& votes, double extremity, bool is_meta);

[[nodiscard]] Per<Opinion, double> priorities(const GroupVotes& votes,
                                              const Per<Opinion, double>& extremity,
                                              const Per<Opinion, OpinionStatus>& status);

}  // namespace sluice::math
