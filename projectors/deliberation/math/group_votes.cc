#include "projectors/deliberation/math/group_votes.h"

namespace sluice::math {

GroupVotes count_group_votes(const VoteMatrix& votes, const BaseClusters& base,
                             const Grouping* grouping) {
  GroupVotes made;
  made.all = Per<Opinion, Counts>(votes.opinions());
  if (grouping == nullptr) return made;
  made.size = Per<Group, std::uint32_t>(grouping->size());
  for (const Group group : grouping->ids.ids()) {
    Tally tally(votes.opinions());
    for (const BaseCluster b : base.ids.ids()) {
      if (grouping->group_of[b] != group) continue;
      made.size[group] += static_cast<std::uint32_t>(base.members[b].size());
      for (const Participant p : base.members[b]) tally.add(votes.row(p));
    }
    made.counts.push_back(tally.counts());
    for (const Opinion o : made.all.ids()) made.all[o] += made.counts[group][o];
  }
  return made;
}

BaseVotes count_base_votes(const VoteMatrix& votes, const BaseClusters& base) {
  BaseVotes made(votes.opinions(), Per<BaseCluster, Counts>(base.size()));
  Tally tally(votes.opinions());
  for (const BaseCluster b : base.ids.ids()) {
    for (const Participant p : base.members[b]) tally.add(votes.row(p));
    for (const Opinion o : made.ids()) made[o][b] = tally.of(o);
    tally.clear();
  }
  return made;
}

}  // namespace sluice::math
