#pragma once

#include <string_view>

#include "deliberation/tables.pb.h"
#include "projectors/engine/tables.h"

namespace sluice {

// What is out of the ordinary about participants. Rows exist only while there is something to say,
// and the conversation's gate counts them, so that most votes neither read nor write one.
class ParticipantNotes {
 public:
  ParticipantNotes(Tables& tables, Table<deliberation::Gate>& gates)
      : gates_(gates), notes_(tables) {}

  // Null: nothing is noted.
  [[nodiscard]] const deliberation::Participant* find(const deliberation::Gate& gate,
                                                      std::string_view participant_id) const;

  // To be followed by settle() when the change is made.
  [[nodiscard]] deliberation::Participant& edit(std::string_view conversation_id,
                                                std::string_view participant_id);

  // Forgets the row when it says nothing any more: the reference is gone then.
  void settle(const deliberation::Participant& note);

 private:
  Table<deliberation::Gate>& gates_;
  Table<deliberation::Participant> notes_;
};

}  // namespace sluice
