#pragma once

// A live conversation as the math reads it, from what is published.

#include <cstdint>
#include <string>

#include "tools/import/polis_conversation.h"
#include "tools/sluice/database.h"

namespace sluice {

struct LiveConversation {
  PolisConversation of;
  std::string title;
  std::int64_t as_of =
      0;  // of the published snapshot, which says who is clustered and in which order
};

// The participants of the newest snapshot with their votes of this moment, which are those of the
// snapshot unless votes are coming in. Misconfigured: there is no snapshot.
[[nodiscard]] LiveConversation read_live_conversation(Database& database,
                                                      const std::string& conversation_id);

}  // namespace sluice
