#pragma once

// Which participants are clustered, Polis's "in-conv": those with enough votes, and those who were
// let in while fewer than fifteen had enough. Nobody ever leaves, so this is folded along with the
// votes.
// Source: the specification, section 3.

#include <cstdint>
#include <vector>

namespace sluice::math {

inline constexpr std::uint32_t kEnoughVotes = 7;
inline constexpr std::uint32_t kEnoughParticipants = 15;

class InConv {
 public:
  // After a vote event of `participant`: how many votes that one has, and how many opinions have
  // any. Participants are numbered in the order of their first votes, without a gap. Constant time,
  // but where the number of opinions falls below kEnoughVotes, which lowers the bar for everybody.
  void voted(std::uint32_t participant, std::uint32_t votes, std::uint32_t opinions);

  [[nodiscard]] const std::vector<bool>& members() const { return members_; }

 private:
  void admit(std::uint32_t participant);
  void fill();

  std::vector<bool> members_;
  std::vector<std::uint32_t> votes_;
  std::uint32_t count_ = 0;
  std::uint32_t bar_ = 0;
};

}  // namespace sluice::math
