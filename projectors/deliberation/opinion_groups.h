#pragma once

// The opinion groups of a conversation, computed from the state's rows: the math of math/, and the
// four math tables that it fills.

#include <string>
#include <string_view>
#include <vector>

#include "projectors/deliberation/math/snapshot.h"
#include "projectors/engine/computed.h"

namespace sluice {

// What the math reads of a conversation, and how its numbers are called.
struct MathConversation {
  math::Conversation input;
  std::vector<std::string>
      participants;                   // eligible ones with a ballot, in the order of first votes
  std::vector<std::string> opinions;  // live ones, in the order of creation
};

// False when stopped. Throws Corrupt when the rows contradict each other.
[[nodiscard]] bool read_math_conversation(const StateSnapshot& state,
                                          const std::string& conversation_id,
                                          const std::stop_token& stop, MathConversation& into);

// The rows of math_snapshot, math_opinion, math_group and math_participant.
[[nodiscard]] ComputedRows math_rows(const std::string& conversation_id,
                                     const MathConversation& conversation,
                                     const math::Snapshot& snapshot, const ComputedAt& at);

class OpinionGroups final : public Computation {
 public:
  explicit OpinionGroups(std::string_view conversation_id) : conversation_id_(conversation_id) {}

  bool read(const StateSnapshot& state, const std::stop_token& stop) override;
  bool compute(const std::stop_token& stop) override;
  ComputedRows rows(const ComputedAt& at) override;

 private:
  const std::string conversation_id_;
  MathConversation conversation_;
  math::Snapshot snapshot_;
};

}  // namespace sluice
