#pragma once

// Facts of the deliberation domain as tests write them: positional, with the defaults that ingest
// would have written.

#include <string>
#include <vector>

#include "deliberation/events.pb.h"
#include "sluice/envelope.pb.h"

namespace sluice::facts {

using deliberation::Event;

Actor actor(const std::string& id, Actor::Level level = Actor::LEVEL_GUEST,
            Actor::Role role = Actor::ROLE_PARTICIPANT);
Actor moderator();
Actor service();

// Seeds are named; their bodies are "seed".
Event conversation(const std::string& id, const std::string& owner_id,
                   deliberation::Participation participation = deliberation::PARTICIPATION_GUEST,
                   const std::vector<std::string>& seeds = {});
Event edited(const std::string& id, const std::string& title);
Event locked(const std::string& id);
Event unlocked(const std::string& id);
Event closed(const std::string& id);
Event reopened(const std::string& id);
Event deleted(const std::string& id);

struct OpinionContent {
  std::string body = "body";
  bool auto_vote = false;
  bool is_seed = false;
};
Event opinion(const std::string& id, const std::string& opinion_id, const std::string& author_id,
              const OpinionContent& content = {});
Event moderated(const std::string& id, const std::string& opinion_id,
                deliberation::Moderation state, const std::string& reason = "");
Event meta(const std::string& id, const std::string& opinion_id, bool is_meta);
Event opinion_deleted(const std::string& id, const std::string& opinion_id);

Event vote(const std::string& id, const std::string& opinion_id, const std::string& participant_id,
           deliberation::Choice choice);

Event eligibility(const std::string& id, const std::string& participant_id, bool eligible);
Event removed(const std::string& id, const std::string& participant_id);
Event rekeyed(const std::string& id, const std::string& from, const std::string& into);

Event import_started(const std::string& id, const std::string& import_id);
Event import_completed(const std::string& id, const std::string& import_id);

}  // namespace sluice::facts
