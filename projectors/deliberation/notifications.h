#pragma once

#include <cstdint>
#include <string>

#include "deliberation/tables.pb.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"

namespace sluice {

// How many others agree or disagree with the opinion.
[[nodiscard]] inline std::int64_t votes_of_others(const deliberation::OpinionStats& opinion) {
  return opinion.agrees() + opinion.disagrees() - static_cast<int>(opinion.author_took_side());
}

// What owners and authors are told. Whether they may be told anything (no import, not removed) is
// the caller's to know.
class Notifications {
 public:
  explicit Notifications(Tables& tables) : notifications_(tables) {}

  void opinion_created(const std::string& recipient_id, const deliberation::Opinion& opinion,
                       Time at);

  // Tells the author of milestones that the votes of others have passed, having been `before`:
  // each once for ever.
  void votes_passed(deliberation::OpinionStats& opinion, std::int64_t before, Time at);

  // Erases what the recipient was told about the conversation.
  void forget(const std::string& recipient_id, const std::string& conversation_id);

  // Makes it what `into` was told.
  void move(const std::string& from, const std::string& into, const std::string& conversation_id);

 private:
  Table<deliberation::Notification> notifications_;
};

}  // namespace sluice
