#include "projectors/deliberation/math/vote_matrix.h"

#include <numeric>

#include "storage/check.h"

namespace sluice::math {
namespace {

// Where each number stands once those without a vote are left out. `counts` ends as the places.
template <class Id>
Per<Id, std::uint32_t> leave_out_empty(const std::vector<std::uint32_t>& counts,
                                       std::vector<std::uint32_t>& places) {
  Per<Id, std::uint32_t> numbers;
  places.assign(counts.size(), 0);
  for (std::uint32_t number = 0; number < counts.size(); ++number) {
    if (counts[number] == 0) continue;
    places[number] = static_cast<std::uint32_t>(numbers.size());
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

VoteMatrix::VoteMatrix(const Conversation& conversation) {
  std::vector<std::uint32_t> votes_of(conversation.in_conv.size());
  std::vector<std::uint32_t> votes_on(conversation.opinions.size());
  for (const Vote& vote : conversation.votes) {
    CHECK(vote.participant < votes_of.size() && vote.opinion < votes_on.size(),
          "votes are by and on whom the conversation names");
    ++votes_of[vote.participant];
    ++votes_on[vote.opinion];
  }
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> columns;
  participant_numbers_ = leave_out_empty<Participant>(votes_of, rows);
  opinion_numbers_ = leave_out_empty<Opinion>(votes_on, columns);
  row_begin_.assign(1, 0);
  for (const std::uint32_t number : participant_numbers_) {
    row_begin_.push_back(row_begin_.back() + votes_of[number]);
  }
  fill(conversation, rows, columns);
}

// Two passes of counting sort: by column, then stably by row.
void VoteMatrix::fill(const Conversation& conversation, const std::vector<std::uint32_t>& rows,
                      const std::vector<std::uint32_t>& columns) {
  const std::size_t count = conversation.votes.size();
  std::vector<std::size_t> next(opinions() + 1);
  for (const Vote& vote : conversation.votes) ++next[columns[vote.opinion] + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<Vote> by_column(count);
  for (const Vote& vote : conversation.votes) by_column[next[columns[vote.opinion]]++] = vote;

  columns_.resize(count);
  choices_.resize(count);
  next.assign(row_begin_.begin(), row_begin_.end() - 1);
  for (const Vote& vote : by_column) {
    const std::uint32_t row = rows[vote.participant];
    const std::size_t place = next[row]++;
    columns_[place] = Opinion{columns[vote.opinion]};
    choices_[place] = vote.choice;
    CHECK(place == row_begin_[row] || columns_[place - 1] != columns_[place],
          "a participant has one current vote on an opinion");
  }
}

Per<Opinion, Counts> count_votes(const VoteMatrix& votes) {
  Per<Opinion, Counts> counts(votes.opinions());
  for (const Participant p : each<Participant>(votes.participants())) {
    const VoteMatrix::Row row = votes.row(p);
    for (std::size_t i = 0; i < row.size(); ++i) counts[row.opinions[i]].add(row.choices[i]);
  }
  return counts;
}

}  // namespace sluice::math
