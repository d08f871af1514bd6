#include "projectors/deliberation/math/vote_matrix.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice::math {
namespace {

// Of participants, and of opinions.
constexpr std::uint32_t kMostThings = (std::uint32_t{1} << 30) - 1;

// Where each number stands once those without a vote are left out, and where its votes begin.
template <class Id>
struct Places {
  explicit Places(const std::vector<std::uint32_t>& votes) : place(votes.size()), begin(1) {
    for (std::uint32_t number = 0; number < votes.size(); ++number) {
      if (votes[number] == 0) continue;
      place[number] = static_cast<std::uint32_t>(numbers.size());
      numbers.push_back(number);
      begin.push_back(begin.back() + votes[number]);
    }
  }

  std::vector<std::uint32_t> place;
  Per<Id, std::uint32_t> numbers;
  std::vector<std::size_t> begin;
};

// By column: a row and a choice, packed like an entry.
std::vector<Entry> entries_by_column(const std::vector<Vote>& votes,
                                     const Places<Participant>& rows,
                                     const Places<Opinion>& columns) {
  std::vector<Entry> made(votes.size());
  std::vector<std::size_t> next = columns.begin;
  for (const Vote& vote : votes) {
    made[next[columns.place[vote.opinion]]++] =
        Entry(Opinion{rows.place[vote.participant]}, vote.choice);
  }
  return made;
}

// Entries by row, from two passes of counting sort: by column, then stably by row.
std::vector<Entry> sorted_entries(const std::vector<Vote>& votes, const Places<Participant>& rows,
                                  const Places<Opinion>& columns) {
  const std::vector<Entry> by_column = entries_by_column(votes, rows, columns);
  std::vector<Entry> made(votes.size());
  std::vector<std::size_t> next = rows.begin;
  std::size_t at = 0;
  for (const Opinion o : columns.numbers.ids()) {
    for (; at < columns.begin[index(o) + 1]; ++at) {
      const std::uint32_t row = index(by_column[at].opinion());
      const std::size_t place = next[row]++;
      made[place] = by_column[at].on(o);
      CHECK(place == rows.begin[row] || made[place - 1].opinion() != o,
            "a participant has one current vote on an opinion");
    }
  }
  return made;
}

}  // namespace

VoteMatrix::VoteMatrix(const Conversation& conversation) {
  std::vector<std::uint32_t> votes_of(conversation.in_conv.size());
  std::vector<std::uint32_t> votes_on(conversation.opinions.size());
  CHECK(votes_of.size() <= kMostThings && votes_on.size() <= kMostThings, "they fit a word");
  for (const Vote& vote : conversation.votes) {
    CHECK(vote.participant < votes_of.size() && vote.opinion < votes_on.size(),
          "votes are by and on whom the conversation names");
    ++votes_of[vote.participant];
    ++votes_on[vote.opinion];
  }
  const Places<Participant> rows(votes_of);
  const Places<Opinion> columns(votes_on);
  participant_numbers_ = rows.numbers;
  opinion_numbers_ = columns.numbers;
  row_begin_ = rows.begin;
  entries_ = sorted_entries(conversation.votes, rows, columns);
}

Counts Tally::of(Opinion opinion) const {
  const auto slot = [&](Choice choice) { return by_slot_[Entry(opinion, choice).slot()]; };
  const std::uint32_t agrees = slot(Choice::agree);
  const std::uint32_t disagrees = slot(Choice::disagree);
  return {agrees, disagrees, agrees + disagrees + slot(Choice::pass)};
}

Per<Opinion, Counts> Tally::counts() const {
  Per<Opinion, Counts> made(by_slot_.size() / Entry::kSlotsAnOpinion);
  for (const Opinion o : made.ids()) made[o] = of(o);
  return made;
}

void Tally::clear() { std::ranges::fill(by_slot_, 0U); }

Per<Opinion, Counts> count_votes(const VoteMatrix& votes) {
  Tally tally(votes.opinions());
  for (const Participant p : each<Participant>(votes.participants())) tally.add(votes.row(p));
  return tally.counts();
}

}  // namespace sluice::math
