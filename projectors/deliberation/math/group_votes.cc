#include "projectors/deliberation/math/group_votes.h"

namespace sluice::math {

GroupVotes count_group_votes(const VoteMatrix& votes, const BaseClusters& base,
                             const Grouping* grouping) {
  GroupVotes made;
  made.all = Per<Opinion, Counts>(votes.opinions());
  if (grouping == nullptr) return made;
  made.size = Per<Group, std::uint32_t>(grouping->size());
  made.counts =
      Per<Group, Per<Opinion, Counts>>(grouping->size(), Per<Opinion, Counts>(votes.opinions()));
  for (const BaseCluster b : base.ids.ids()) {
    const Group group = grouping->group_of[b];
    made.size[group] += static_cast<std::uint32_t>(base.members[b].size());
    Per<Opinion, Counts>& counts = made.counts[group];
    for (const Participant p : base.members[b]) {
      const VoteMatrix::Row row = votes.row(p);
      for (std::size_t i = 0; i < row.size(); ++i) counts[row.opinions[i]].add(row.choices[i]);
    }
  }
  for (const auto& counts : made.counts) {
    for (const Opinion o : counts.ids()) made.all[o] += counts[o];
  }
  return made;
}

BaseVotes count_base_votes(const VoteMatrix& votes, const BaseClusters& base) {
  BaseVotes made(votes.opinions(), Per<BaseCluster, Counts>(base.size()));
  for (const BaseCluster b : base.ids.ids()) {
    for (const Participant p : base.members[b]) {
      const VoteMatrix::Row row = votes.row(p);
      for (std::size_t i = 0; i < row.size(); ++i) made[row.opinions[i]][b].add(row.choices[i]);
    }
  }
  return made;
}

}  // namespace sluice::math
