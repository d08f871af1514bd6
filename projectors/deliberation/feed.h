#pragma once

#include "deliberation/tables.pb.h"
#include "projectors/engine/tables.h"

namespace sluice {

// The rows that feeds are read from. Every vote changes one, which readers get once a flush.
class FeedRows {
 public:
  explicit FeedRows(Tables& tables) : rows_(tables) {}

  // Whatever of the conversation may have changed: whether it is shown at all, what it says, who
  // owns it.
  void show(const deliberation::Conversation& conversation,
            const deliberation::ConversationStats& stats);

  // Only its counters may have changed.
  void count(const deliberation::ConversationStats& stats);

 private:
  Table<deliberation::Feed> rows_;
};

}  // namespace sluice
