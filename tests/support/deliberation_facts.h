#pragma once

// Facts of the deliberation domain as tests write them: positional, with the defaults that ingest
// would have written.

#include <string>
#include <vector>

#include "deliberation/events.pb.h"
#include "sluice/envelope.pb.h"

namespace sluice::facts {

using deliberation::Event;

inline Actor actor(const std::string& id, Actor::Level level = Actor::LEVEL_GUEST,
                   Actor::Role role = Actor::ROLE_PARTICIPANT) {
  Actor actor;
  actor.set_id(id);
  actor.set_level(level);
  actor.set_role(role);
  return actor;
}

inline Actor moderator() { return actor("mod", Actor::LEVEL_GUEST, Actor::ROLE_MODERATOR); }
inline Actor service() { return actor("svc", Actor::LEVEL_GUEST, Actor::ROLE_SERVICE); }

// Seeds are named; their bodies are "seed".
inline Event conversation(
    const std::string& id, const std::string& owner_id,
    deliberation::Participation participation = deliberation::PARTICIPATION_GUEST,
    const std::vector<std::string>& seeds = {}) {
  Event event;
  auto& fact = *event.mutable_conversation_created();
  fact.set_conversation_id(id);
  fact.set_slug("");
  fact.set_owner_id(owner_id);
  fact.set_title("title");
  fact.set_body("");
  fact.set_kind("");
  fact.set_indexed(false);
  fact.set_participation(participation);
  for (const std::string& seed : seeds) {
    auto& opinion = *fact.add_seeds();
    opinion.set_opinion_id(seed);
    opinion.set_body("seed");
  }
  return event;
}

inline Event closed(const std::string& id) {
  Event event;
  event.mutable_conversation_closed()->set_conversation_id(id);
  return event;
}

inline Event edited(const std::string& id, const std::string& title) {
  Event event;
  event.mutable_conversation_edited()->set_conversation_id(id);
  event.mutable_conversation_edited()->set_title(title);
  return event;
}

inline Event locked(const std::string& id) {
  Event event;
  event.mutable_conversation_locked()->set_conversation_id(id);
  event.mutable_conversation_locked()->set_reason("");
  return event;
}

inline Event unlocked(const std::string& id) {
  Event event;
  event.mutable_conversation_unlocked()->set_conversation_id(id);
  event.mutable_conversation_unlocked()->set_reason("");
  return event;
}

inline Event deleted(const std::string& id) {
  Event event;
  event.mutable_conversation_deleted()->set_conversation_id(id);
  return event;
}

inline Event opinion_deleted(const std::string& id, const std::string& opinion_id) {
  Event event;
  event.mutable_opinion_deleted()->set_conversation_id(id);
  event.mutable_opinion_deleted()->set_opinion_id(opinion_id);
  return event;
}

inline Event eligibility(const std::string& id, const std::string& participant_id, bool eligible) {
  Event event;
  auto& fact = *event.mutable_participant_eligibility_set();
  fact.set_conversation_id(id);
  fact.set_participant_id(participant_id);
  fact.set_eligible(eligible);
  return event;
}

inline Event reopened(const std::string& id) {
  Event event;
  event.mutable_conversation_reopened()->set_conversation_id(id);
  return event;
}

struct OpinionContent {
  std::string body = "body";
  bool auto_vote = false;
  bool is_seed = false;
};

inline Event opinion(const std::string& id, const std::string& opinion_id,
                     const std::string& author_id, const OpinionContent& content = {}) {
  Event event;
  auto& fact = *event.mutable_opinion_created();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_author_id(author_id);
  fact.set_body(content.body);
  fact.set_auto_vote(content.auto_vote);
  fact.set_is_seed(content.is_seed);
  return event;
}

inline Event moderated(const std::string& id, const std::string& opinion_id,
                       deliberation::Moderation state, const std::string& reason = "") {
  Event event;
  auto& fact = *event.mutable_opinion_moderated();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_state(state);
  fact.set_reason(reason);
  return event;
}

inline Event meta(const std::string& id, const std::string& opinion_id, bool is_meta) {
  Event event;
  auto& fact = *event.mutable_opinion_marked_meta();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_meta(is_meta);
  return event;
}

inline Event vote(const std::string& id, const std::string& opinion_id,
                  const std::string& participant_id, deliberation::Choice choice) {
  Event event;
  auto& fact = *event.mutable_vote_set();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_participant_id(participant_id);
  fact.set_choice(choice);
  return event;
}

inline Event import_started(const std::string& id, const std::string& import_id) {
  Event event;
  event.mutable_import_started()->set_conversation_id(id);
  event.mutable_import_started()->set_import_id(import_id);
  return event;
}

inline Event import_completed(const std::string& id, const std::string& import_id) {
  Event event;
  event.mutable_import_completed()->set_conversation_id(id);
  event.mutable_import_completed()->set_import_id(import_id);
  return event;
}

inline Event removed(const std::string& id, const std::string& participant_id) {
  Event event;
  event.mutable_participant_removed()->set_conversation_id(id);
  event.mutable_participant_removed()->set_participant_id(participant_id);
  return event;
}

inline Event rekeyed(const std::string& id, const std::string& from, const std::string& into) {
  Event event;
  event.mutable_participant_rekeyed()->set_conversation_id(id);
  event.mutable_participant_rekeyed()->set_from(from);
  event.mutable_participant_rekeyed()->set_into(into);
  return event;
}

}  // namespace sluice::facts
