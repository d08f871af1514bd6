#pragma once

// Who may do what, and when it counts: what can be told from a conversation's gate and the record.

#include <string_view>

#include "deliberation/tables.pb.h"
#include "projectors/engine/projection.h"

namespace sluice {

// Why nobody, or not this participant, who was removed or not, or not this actor may take part in
// the conversation; empty: they may.
[[nodiscard]] std::string_view refuse_participation(const deliberation::Gate& gate, bool removed,
                                                    const Actor& actor);

// Moderators and services.
[[nodiscard]] inline bool moderates(const Actor& actor) {
  return actor.role() != Actor::ROLE_PARTICIPANT;
}

[[nodiscard]] inline bool owns(const Actor& actor, std::string_view owner_id) {
  return !actor.id().empty() && actor.id() == owner_id;
}

[[nodiscard]] deliberation::ConversationStatus status_of(const deliberation::Gate& gate);

[[nodiscard]] inline bool in_feed(const deliberation::Gate& gate) {
  return gate.indexed() && !gate.locked() && !gate.deleted();
}

// Whether an import is under way: then nobody is notified, and the math waits.
[[nodiscard]] inline bool importing(const deliberation::Gate& gate) {
  return gate.open_imports_size() > 0;
}

// When a fact counts as having happened. During an import that is when it occurred, unless the
// producer's clock runs ahead of ours.
[[nodiscard]] Time counted_time(const deliberation::Gate& gate, const Record& record);

}  // namespace sluice
