#pragma once

#include <string>
#include <string_view>

#include "deliberation/tables.pb.h"
#include "projectors/deliberation/id_lines.h"
#include "projectors/engine/tables.h"

namespace sluice {

// Who has ever voted on an opinion, so that moderating it costs as much as the votes on it. The
// newest stand in the opinion's own row of counters, which a vote changes anyway.
class VoterIndex {
 public:
  explicit VoterIndex(Tables& tables) : full_parts_(tables) {}

  // Must not hold the participant already.
  void add(deliberation::OpinionStats& opinion, std::string_view participant_id);

  // Calls `visit(std::string_view participant_id)` for each. Must not add meanwhile.
  template <class Visit>
  void for_each(const deliberation::OpinionStats& opinion, Visit visit) const {
    for (const auto& part : full_parts_.prefix(opinion.conversation_id(), opinion.opinion_id())) {
      id_lines::for_each(part.participant_ids(), visit);
    }
    id_lines::for_each(opinion.voters(), visit);
  }

  // Takes time with the number of voters.
  void remove(deliberation::OpinionStats& opinion, std::string_view participant_id);

  // Forgets all of them.
  void erase(deliberation::OpinionStats& opinion);

 private:
  Table<deliberation::Voters> full_parts_;
};

}  // namespace sluice
