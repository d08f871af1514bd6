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

// An opinion and what somebody chose on it, in one word.
class Entry {
 public:
  // Tables of what each choice on each opinion means are looked up by slot().
  static constexpr std::uint32_t kSlotsAnOpinion = 4;

  Entry() = default;
  Entry(Opinion opinion, Choice choice)
      : slot_(index(opinion) * kSlotsAnOpinion +
              static_cast<std::uint32_t>(static_cast<int>(choice) + 1)) {}

  [[nodiscard]] Opinion opinion() const { return Opinion{slot_ / kSlotsAnOpinion}; }
  [[nodiscard]] Choice choice() const {
    return static_cast<Choice>(static_cast<int>(slot_ % kSlotsAnOpinion) - 1);
  }
  [[nodiscard]] std::uint32_t slot() const { return slot_; }
  // The same choice on another.
  [[nodiscard]] Entry on(Opinion opinion) const {
    Entry made;
    made.slot_ = index(opinion) * kSlotsAnOpinion + slot_ % kSlotsAnOpinion;
    return made;
  }

 private:
  std::uint32_t slot_ = 0;
};

class VoteMatrix {
 public:
  explicit VoteMatrix(const Conversation& conversation);

  [[nodiscard]] std::size_t participants() const { return participant_numbers_.size(); }
  [[nodiscard]] std::size_t opinions() const { return opinion_numbers_.size(); }
  [[nodiscard]] std::size_t votes() const { return entries_.size(); }

  // The votes of one participant, by opinion.
  [[nodiscard]] std::span<const Entry> row(Participant participant) const {
    const std::size_t begin = row_begin_[index(participant)];
    return std::span(entries_).subspan(begin, row_begin_[index(participant) + 1] - begin);
  }

  // The numbers that the caller gave them.
  [[nodiscard]] const Per<Participant, std::uint32_t>& participant_numbers() const {
    return participant_numbers_;
  }
  [[nodiscard]] const Per<Opinion, std::uint32_t>& opinion_numbers() const {
    return opinion_numbers_;
  }

 private:
  Per<Participant, std::uint32_t> participant_numbers_;
  Per<Opinion, std::uint32_t> opinion_numbers_;
  std::vector<std::size_t> row_begin_;
  std::vector<Entry> entries_;
};

// How an opinion was voted on by some of the participants.
struct Counts {
  std::uint32_t agrees = 0;
  std::uint32_t disagrees = 0;
  std::uint32_t votes = 0;  // passes included

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

// Counts votes as they come, row by row.
class Tally {
 public:
  explicit Tally(std::size_t opinions) : by_slot_(opinions * Entry::kSlotsAnOpinion) {}

  void add(std::span<const Entry> row) {
    for (const Entry entry : row) ++by_slot_[entry.slot()];
  }
  [[nodiscard]] Counts of(Opinion opinion) const;
  [[nodiscard]] Per<Opinion, Counts> counts() const;
  void clear();

 private:
  std::vector<std::uint32_t> by_slot_;
};

// By everybody.
[[nodiscard]] Per<Opinion, Counts> count_votes(const VoteMatrix& votes);

}  // namespace sluice::math
