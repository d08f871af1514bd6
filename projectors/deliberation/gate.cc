#include "projectors/deliberation/gate.h"

namespace sluice {

using deliberation::Gate;

std::string_view refuse_participation(const Gate& gate, bool removed, const Actor& actor) {
  if (gate.closed()) return "conversation.closed";
  if (removed) return "participant.removed";
  if (actor.role() == Actor::ROLE_SERVICE) return {};
  if (gate.participation() == deliberation::PARTICIPATION_ACCOUNT &&
      actor.level() < Actor::LEVEL_ACCOUNT) {
    return "participation.account_required";
  }
  if (gate.participation() == deliberation::PARTICIPATION_VERIFIED &&
      actor.level() < Actor::LEVEL_VERIFIED) {
    return "participation.verification_required";
  }
  return {};
}

deliberation::ConversationStatus status_of(const Gate& gate) {
  return gate.closed() ? deliberation::CONVERSATION_STATUS_CLOSED
                       : deliberation::CONVERSATION_STATUS_OPEN;
}

Time counted_time(const Gate& gate, const Record& record) {
  if (gate.open_imports() == 0 || !record.occurred_at) return record.recorded_at;
  return *record.occurred_at <= record.recorded_at ? *record.occurred_at : record.recorded_at;
}

}  // namespace sluice
