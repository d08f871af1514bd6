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
  made.rows.column.reserve(kept);
  made.rows.value.reserve(kept);
  for (const Participant p : each<Participant>(votes.participants())) {
    const VoteMatrix::Row row = votes.row(p);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Opinion o = row.opinions[i];
      if (place[o] == kLeftOut) continue;
      made.rows.column.push_back(place[o]);
      made.rows.value.push_back(static_cast<double>(row.choices[i]) - center[o]);
    }
    made.rows.row_begin.push_back(made.rows.column.size());
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
