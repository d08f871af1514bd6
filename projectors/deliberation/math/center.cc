#include "projectors/deliberation/math/center.h"

#include <limits>
#include <numeric>

namespace sluice::math {
namespace {

constexpr std::uint32_t kLeftOut = std::numeric_limits<std::uint32_t>::max();

bool everybody_agrees(const Counts& counts) {
  return counts.agrees == counts.votes || counts.disagrees == counts.votes ||
         (counts.agrees == 0 && counts.disagrees == 0);
}

}  // namespace

Per<Opinion, OpinionStatus> status_of_columns(const Conversation& conversation,
                                              const VoteMatrix& votes) {
  Per<Opinion, OpinionStatus> status;
  for (const std::uint32_t number : votes.opinion_numbers()) {
    status.push_back(conversation.opinions[number]);
  }
  return status;
}

Per<Opinion, double> center_of(const Per<Opinion, Counts>& counts,
                               const Per<Opinion, OpinionStatus>& status) {
  Per<Opinion, double> center(counts.size());
  for (const Opinion o : counts.ids()) {
    if (status[o].zeroed()) continue;
    center[o] = (static_cast<double>(counts[o].agrees) - static_cast<double>(counts[o].disagrees)) /
                static_cast<double>(counts[o].votes);
  }
  return center;
}

namespace {

// Participants by how many of their votes are on kept columns, fewest first.
std::vector<Participant> shortest_first(const VoteMatrix& votes,
                                        const Per<Opinion, std::uint32_t>& place) {
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint32_t> next(votes.opinions() + 2);
  for (const Participant p : each<Participant>(votes.participants())) {
    std::uint32_t length = 0;
    for (const Entry entry : votes.row(p)) {
      length += place[entry.opinion()] == kLeftOut ? 0U : 1U;
    }
    lengths.push_back(length);
    ++next[length + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<Participant> order(lengths.size());
  for (std::uint32_t p = 0; p < lengths.size(); ++p) order[next[lengths[p]]++] = Participant{p};
  return order;
}

}  // namespace

CenteredVotes centered(const VoteMatrix& votes, const Per<Opinion, Counts>& counts,
                       const Per<Opinion, double>& center,
                       const Per<Opinion, OpinionStatus>& status) {
  CenteredVotes made;
  Per<Opinion, std::uint32_t> place(counts.size(), kLeftOut);
  std::size_t kept = 0;
  for (const Opinion o : counts.ids()) {
    if (status[o].zeroed() || everybody_agrees(counts[o])) continue;
    place[o] = static_cast<std::uint32_t>(made.opinions.size());
    made.opinions.push_back(o);
    kept += counts[o].votes;
  }
  made.rows.columns = made.opinions.size();
  made.rows.row_begin.reserve(votes.participants() + 1);
  made.rows.column.resize(kept);
  made.rows.value.resize(kept);
  std::size_t at = 0;
  for (const Participant p : shortest_first(votes, place)) {
    for (const Entry entry : votes.row(p)) {
      const Opinion o = entry.opinion();
      if (place[o] == kLeftOut) continue;
      made.rows.column[at] = place[o];
      made.rows.value[at++] = static_cast<double>(entry.choice()) - center[o];
    }
    made.rows.row_begin.push_back(at);
  }
  return made;
}

SparseRows transposed(const SparseRows& matrix) {
  SparseRows made;
  made.columns = matrix.rows();
  made.row_begin.assign(matrix.columns + 1, 0);
  for (const std::uint32_t column : matrix.column) ++made.row_begin[column + 1];
  std::partial_sum(made.row_begin.begin(), made.row_begin.end(), made.row_begin.begin());
  made.column.resize(matrix.column.size());
  made.value.resize(matrix.value.size());
  std::vector<std::size_t> next(made.row_begin.begin(), made.row_begin.end() - 1);
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    for (std::size_t i = matrix.row_begin[row]; i < matrix.row_begin[row + 1]; ++i) {
      const std::size_t at = next[matrix.column[i]]++;
      made.column[at] = static_cast<std::uint32_t>(row);
      made.value[at] = matrix.value[i];
    }
  }
  return made;
}

}  // namespace sluice::math
