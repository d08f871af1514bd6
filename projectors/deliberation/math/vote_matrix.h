#pragma once

// Votes by participant, as sparse as they are: a row is one participant's votes in column order.
// Only participants and opinions with a vote have a row or a column.
// Source: the specification, section 1.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "projectors/deliberation/math/conversation.h"
#include "projectors/deliberation/math/indices.h"

namespace sluice::math {

class VoteMatrix {
 public:
  // The votes of one participant: two lists of equal length.
  struct Row {
    std::span<const Opinion> opinions;
    std::span<const Choice> choices;
    [[nodiscard]] std::size_t size() const { return opinions.size(); }
  };

  explicit VoteMatrix(const Conversation& conversation);

  [[nodiscard]] std::size_t participants() const { return participant_numbers_.size(); }
  [[nodiscard]] std::size_t opinions() const { return opinion_numbers_.size(); }
  [[nodiscard]] std::size_t votes() const { return columns_.size(); }

  [[nodiscard]] Row row(Participant participant) const {
    const std::size_t begin = row_begin_[index(participant)];
    const std::size_t size = row_begin_[index(participant) + 1] - begin;
    return {std::span(columns_).subspan(begin, size), std::span(choices_).subspan(begin, size)};
  }

  // The numbers that the caller gave them.
  [[nodiscard]] const Per<Participant, std::uint32_t>& participant_numbers() const {
    return participant_numbers_;
  }
  [[nodiscard]] const Per<Opinion, std::uint32_t>& opinion_numbers() const {
    return opinion_numbers_;
  }

 private:
  void fill(const Conversation& conversation, const std::vector<std::uint32_t>& rows,
            const std::vector<std::uint32_t>& columns);

  Per<Participant, std::uint32_t> participant_numbers_;
  Per<Opinion, std::uint32_t> opinion_numbers_;
  std::vector<std::size_t> row_begin_;
  std::vector<Opinion> columns_;
  std::vector<Choice> choices_;
};

// How an opinion was voted on by some of the participants.
struct Counts {
  std::uint32_t agrees = 0;
  std::uint32_t disagrees = 0;
  std::uint32_t votes = 0;  // passes included

  void add(Choice choice) {
    ++votes;
    agrees += choice == Choice::agree ? 1U : 0U;
    disagrees += choice == Choice::disagree ? 1U : 0U;
  }
  Counts& operator+=(const Counts& other) {
    agrees += other.agrees;
    disagrees += other.disagrees;
    votes += other.votes;
    return *this;
  }
  friend Counts operator-(const Counts& a, const Counts& b) {
    return {a.agrees - b.agrees, a.disagrees - b.disagrees, a.votes - b.votes};
  }
  friend bool operator==(const Counts&, const Counts&) = default;
};

// By everybody.
[[nodiscard]] Per<Opinion, Counts> count_votes(const VoteMatrix& votes);

}  // namespace sluice::math
