#pragma once

#include <string>

#include "deliberation/events.pb.h"
#include "deliberation/tables.pb.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"

namespace sluice {

// The imports into conversations. Known by their ids: one started twice is under way once.
class Imports {
 public:
  explicit Imports(Tables& tables) : imports_(tables) {}

  // The import must not be under way; afterwards the gate has it among those that are.
  void start(const deliberation::ImportStarted& fact, Time at, deliberation::Gate& gate);
  // The reverse.
  void complete(const deliberation::ImportCompleted& fact, Time at, deliberation::Gate& gate);

  [[nodiscard]] static bool under_way(const deliberation::Gate& gate, const std::string& import_id);

  // One fact more was admitted to the conversation: counts for every import that is under way.
  void count(const deliberation::ConversationStats& conversation);

 private:
  Table<deliberation::Import> imports_;
};

}  // namespace sluice
