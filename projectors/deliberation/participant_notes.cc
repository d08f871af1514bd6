#include "projectors/deliberation/participant_notes.h"

namespace sluice {

using deliberation::Gate;
using deliberation::Participant;

const Participant* ParticipantNotes::find(const Gate& gate, std::string_view participant_id) const {
  if (gate.noted_participants() == 0) return nullptr;
  return notes_.find(gate.conversation_id(), participant_id);
}

Participant& ParticipantNotes::edit(std::string_view conversation_id,
                                    std::string_view participant_id) {
  if (notes_.find(conversation_id, participant_id) == nullptr) {
    Gate& gate = gates_.edit(conversation_id);
    gate.set_noted_participants(gate.noted_participants() + 1);
  }
  return notes_.edit(conversation_id, participant_id);
}

void ParticipantNotes::settle(const Participant& note) {
  if (note.moderated_votes() != 0 || !note.withdrawn().empty()) return;
  Gate& gate = gates_.edit(note.conversation_id());
  gate.set_noted_participants(gate.noted_participants() - 1);
  notes_.erase(note.conversation_id(), note.participant_id());
}

}  // namespace sluice
