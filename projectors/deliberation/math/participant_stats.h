#pragma once

// Where participants stand beside everybody and beside their group. Source: the specification,
// section 9.

#include <optional>
#include <vector>

#include "projectors/deliberation/math/groups.h"

namespace sluice::math {

struct ParticipantStats {
  Participant participant;
  Group group;
  double centricness;  // 1 - the distance from the middle of everybody
  double coreness;     // 1 - the distance from the middle of the group
  double extremeness;  // how far beyond the group's middle, away from everybody's
};

// Of the participants who have a group, in row order.
[[nodiscard]] std::vector<ParticipantStats> participant_stats(const Points<Participant>& at,
                                                              const BaseClusters& base,
                                                              const Grouping* grouping);

// The group of each participant, where there is one.
[[nodiscard]] Per<Participant, std::optional<Group>> groups_of_participants(
    std::size_t participants, const BaseClusters& base, const Grouping* grouping);

}  // namespace sluice::math
