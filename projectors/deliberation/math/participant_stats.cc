#include "projectors/deliberation/math/participant_stats.h"

#include <cmath>

namespace sluice::math {
namespace {

struct Place {
  double x = 0;
  double y = 0;
};

Place operator-(const Place& a, const Place& b) { return {a.x - b.x, a.y - b.y}; }
double length(const Place& a) { return std::sqrt(a.x * a.x + a.y * a.y); }

class Mean {
 public:
  void add(const Place& place) {
    sum_.x += place.x;
    sum_.y += place.y;
    ++count_;
  }
  [[nodiscard]] Place value() const { return {sum_.x / count_, sum_.y / count_}; }

 private:
  Place sum_;
  double count_ = 0;
};

// How far `offset` goes in the direction of `towards`; nowhere is no direction.
double along(const Place& offset, const Place& towards) {
  const double size = length(towards);
  return size > 0 ? offset.x * (towards.x / size) + offset.y * (towards.y / size) : 0;
}

}  // namespace

Per<Participant, std::optional<Group>> groups_of_participants(std::size_t participants,
                                                              const BaseClusters& base,
                                                              const Grouping* grouping) {
  Per<Participant, std::optional<Group>> made(participants);
  if (grouping == nullptr) return made;
  for (const BaseCluster b : base.ids.ids()) {
    for (const Participant p : base.members[b]) made[p] = grouping->group_of[b];
  }
  return made;
}

std::vector<ParticipantStats> participant_stats(const Points<Participant>& at,
                                                const BaseClusters& base,
                                                const Grouping* grouping) {
  std::vector<ParticipantStats> made;
  if (grouping == nullptr) return made;
  const auto group_of = groups_of_participants(at.size(), base, grouping);
  Mean of_all;
  Per<Group, Mean> of_group(grouping->size());
  for (const Participant p : each<Participant>(at.size())) {
    of_all.add({at.x[p], at.y[p]});
    const auto group = group_of[p];
    if (group) of_group[*group].add({at.x[p], at.y[p]});
  }
  const Place middle = of_all.value();
  for (const Participant p : each<Participant>(at.size())) {
    const auto group = group_of[p];
    if (!group) continue;
    const Place place{at.x[p], at.y[p]};
    const Place core = of_group[*group].value();
    made.push_back({.participant = p,
                    .group = *group,
                    .centricness = 1 - length(place - middle),
                    .coreness = 1 - length(place - core),
                    .extremeness = along(place - core, core - middle)});
  }
  return made;
}

}  // namespace sluice::math
