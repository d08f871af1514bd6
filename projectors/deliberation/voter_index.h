#pragma once

#include <string>
#include <string_view>

#include "deliberation/tables.pb.h"
#include "projectors/engine/tables.h"

namespace sluice {

// Who has ever voted on an opinion, so that moderating it costs as much as the votes on it.
class VoterIndex {
 public:
  explicit VoterIndex(Tables& tables) : parts_(tables) {}

  // Must not hold the participant already.
  void add(const std::string& conversation_id, const std::string& opinion_id,
           std::string_view participant_id);

  // Calls `visit(std::string_view participant_id)` for each. Must not add meanwhile.
  template <class Visit>
  void for_each(const std::string& conversation_id, const std::string& opinion_id,
                Visit visit) const {
    for (const deliberation::Voters& part : parts_.prefix(conversation_id, opinion_id)) {
      const std::string_view ids = part.participant_ids();
      for (std::size_t begin = 0; begin < ids.size();) {
        const std::size_t end = ids.find('\n', begin);
        visit(ids.substr(begin, end - begin));
        begin = end + 1;
      }
    }
  }

 private:
  Table<deliberation::Voters> parts_;
};

}  // namespace sluice
