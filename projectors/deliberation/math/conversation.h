#pragma once

// What a snapshot is computed from. Ids of participants and opinions stay with the caller: here
// they are numbers, positions in the caller's own lists.

#include <cstdint>
#include <vector>

namespace sluice::math {

enum class Choice : std::int8_t { disagree = -1, pass = 0, agree = 1 };

struct OpinionStatus {
  bool moderated_out = false;
  bool is_meta = false;

  // Its column counts as 0 for everybody (the specification, section 2).
  [[nodiscard]] bool zeroed() const { return moderated_out || is_meta; }
  friend bool operator==(const OpinionStatus&, const OpinionStatus&) = default;
};

struct Vote {
  std::uint32_t participant;
  std::uint32_t opinion;
  Choice choice;

  friend bool operator==(const Vote&, const Vote&) = default;
};

struct Conversation {
  std::vector<OpinionStatus> opinions;  // in the order of their creation
  std::vector<bool> in_conv;            // participants, in the order of their first votes
  std::vector<Vote> votes;              // current ones, at most one a pair, in any order
};

}  // namespace sluice::math
