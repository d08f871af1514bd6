#include "projectors/deliberation/gate.h"

namespace sluice {

using deliberation::Gate;

std::string_view refuse_participation(const Gate& gate, bool removed, const Actor& actor) {
  if (gate.deleted()) return "conversation.deleted";
  if (gate.locked()) return "conversation.locked";
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
  if (gate.deleted()) return deliberation::CONVERSATION_STATUS_DELETED;
  if (gate.locked()) return deliberation::CONVERSATION_STATUS_LOCKED;
  if (gate.closed()) return deliberation::CONVERSATION_STATUS_CLOSED;
  return deliberation::CONVERSATION_STATUS_OPEN;
}

Time counted_time(const Gate& gate, const Record& record) {
  if (!importing(gate) || !record.occurred_at) return record.recorded_at;
  return *record.occurred_at <= record.recorded_at ? *record.occurred_at : record.recorded_at;
}

}  // namespace sluice
