#pragma once

// What deliberation's published rows must be: the admitted facts make sets, and every answer is
// worked out anew from these, with no counter kept and no code shared with the fold.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deliberation/events.pb.h"
#include "deliberation/tables.pb.h"
#include "sluice/envelope.pb.h"

namespace sluice {

// One conversation.
class DeliberationModel {
 public:
  struct Posted {
    deliberation::Event event;
    Actor actor;
    std::int64_t recorded_at = 0;
    std::optional<std::int64_t> occurred_at;
  };

  // Of a ballot.
  struct Times {
    std::int64_t first;
    std::int64_t last;
  };

  // What holds after the admitted facts.
  struct Situation {
    std::optional<deliberation::Conversation> conversation;  // but for its status
    bool closed = false;
    bool locked = false;
    bool deleted = false;
    std::map<std::string, deliberation::Import> imports;
    std::map<std::string, deliberation::Opinion> opinions;
    // By participant with a ballot: when they voted, and their choices by opinion.
    std::map<std::string, Times> voted;
    std::map<std::string, std::map<std::string, deliberation::Choice>> standing;
    std::vector<std::int64_t> reactions;
    std::set<std::string> removed;
    std::set<std::string> ineligible;
    // Of whom the domain people has heard.
    std::set<std::string> told;
    // Of which milestones the author of an opinion has heard.
    std::set<std::pair<std::string, std::int64_t>> milestones;
    // By recipient and id.
    std::map<std::pair<std::string, std::string>, deliberation::Notification> notifications;

    [[nodiscard]] bool importing() const;
    [[nodiscard]] bool live(const std::string& opinion_id) const;
  };

  // The published rows, each table in the order of its keys.
  struct Rows {
    std::vector<deliberation::Conversation> conversation;
    std::vector<deliberation::ConversationStats> conversation_stats;
    std::vector<deliberation::Opinion> opinion;
    std::vector<deliberation::OpinionStats> opinion_stats;
    std::vector<deliberation::Ballot> ballot;
    std::vector<deliberation::Notification> notification;
    std::vector<deliberation::Feed> feed;
    std::vector<deliberation::Import> import;
  };

  // The reason for which the fact must be rejected; "": it is admitted, and counts from now on.
  std::string_view post(const Posted& posted);

  [[nodiscard]] const Situation& situation() const { return now_; }
  [[nodiscard]] Rows rows() const;

 private:
  Situation now_;
};

}  // namespace sluice
