#pragma once

#include <string>
#include <string_view>

#include "deliberation/tables.pb.h"
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
      for_each_line(part.participant_ids(), visit);
    }
    for_each_line(opinion.voters(), visit);
  }

 private:
  template <class Visit>
  static void for_each_line(std::string_view ids, Visit& visit) {
    for (std::size_t begin = 0; begin < ids.size();) {
      const std::size_t end = ids.find('\n', begin);
      visit(ids.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  Table<deliberation::Voters> full_parts_;
};

}  // namespace sluice
