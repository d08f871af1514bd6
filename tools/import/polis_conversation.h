#pragma once

// A Polis export as the math reads it.

#include <cstdint>
#include <string>
#include <vector>

#include "projectors/deliberation/math/conversation.h"
#include "tools/import/polis_export.h"

namespace sluice {

struct PolisConversation {
  math::Conversation conversation;
  // By the numbers of the conversation.
  std::vector<std::string> participants;  // ids
  std::vector<std::string> opinions;      // ids
  std::vector<std::string> texts;         // of opinions
  std::int64_t last_vote_ms = 0;          // 0 where times are not known
};

[[nodiscard]] PolisConversation polis_conversation(const PolisExport& from);

}  // namespace sluice
