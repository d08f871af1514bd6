#include "tests/support/deliberation_facts.h"

namespace sluice::facts {

Actor actor(const std::string& id, Actor::Level level, Actor::Role role) {
  Actor actor;
  actor.set_id(id);
  actor.set_level(level);
  actor.set_role(role);
  return actor;
}

Actor moderator() { return actor("mod", Actor::LEVEL_GUEST, Actor::ROLE_MODERATOR); }

Actor service() { return actor("svc", Actor::LEVEL_GUEST, Actor::ROLE_SERVICE); }

Event conversation(const std::string& id, const std::string& owner_id,
                   deliberation::Participation participation,
                   const std::vector<std::string>& seeds) {
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

Event edited(const std::string& id, const std::string& title) {
  Event event;
  event.mutable_conversation_edited()->set_conversation_id(id);
  event.mutable_conversation_edited()->set_title(title);
  return event;
}

Event locked(const std::string& id) {
  Event event;
  event.mutable_conversation_locked()->set_conversation_id(id);
  event.mutable_conversation_locked()->set_reason("");
  return event;
}

Event unlocked(const std::string& id) {
  Event event;
  event.mutable_conversation_unlocked()->set_conversation_id(id);
  event.mutable_conversation_unlocked()->set_reason("");
  return event;
}

Event closed(const std::string& id) {
  Event event;
  event.mutable_conversation_closed()->set_conversation_id(id);
  return event;
}

Event reopened(const std::string& id) {
  Event event;
  event.mutable_conversation_reopened()->set_conversation_id(id);
  return event;
}

Event deleted(const std::string& id) {
  Event event;
  event.mutable_conversation_deleted()->set_conversation_id(id);
  return event;
}

Event opinion(const std::string& id, const std::string& opinion_id, const std::string& author_id,
              const OpinionContent& content) {
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

Event moderated(const std::string& id, const std::string& opinion_id,
                deliberation::Moderation state, const std::string& reason) {
  Event event;
  auto& fact = *event.mutable_opinion_moderated();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_state(state);
  fact.set_reason(reason);
  return event;
}

Event meta(const std::string& id, const std::string& opinion_id, bool is_meta) {
  Event event;
  auto& fact = *event.mutable_opinion_marked_meta();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_meta(is_meta);
  return event;
}

Event opinion_deleted(const std::string& id, const std::string& opinion_id) {
  Event event;
  event.mutable_opinion_deleted()->set_conversation_id(id);
  event.mutable_opinion_deleted()->set_opinion_id(opinion_id);
  return event;
}

Event vote(const std::string& id, const std::string& opinion_id, const std::string& participant_id,
           deliberation::Choice choice) {
  Event event;
  auto& fact = *event.mutable_vote_set();
  fact.set_conversation_id(id);
  fact.set_opinion_id(opinion_id);
  fact.set_participant_id(participant_id);
  fact.set_choice(choice);
  return event;
}

Event eligibility(const std::string& id, const std::string& participant_id, bool eligible) {
  Event event;
  auto& fact = *event.mutable_participant_eligibility_set();
  fact.set_conversation_id(id);
  fact.set_participant_id(participant_id);
  fact.set_eligible(eligible);
  return event;
}

Event removed(const std::string& id, const std::string& participant_id) {
  Event event;
  event.mutable_participant_removed()->set_conversation_id(id);
  event.mutable_participant_removed()->set_participant_id(participant_id);
  return event;
}

Event rekeyed(const std::string& id, const std::string& from, const std::string& into) {
  Event event;
  event.mutable_participant_rekeyed()->set_conversation_id(id);
  event.mutable_participant_rekeyed()->set_from(from);
  event.mutable_participant_rekeyed()->set_into(into);
  return event;
}

Event import_started(const std::string& id, const std::string& import_id) {
  Event event;
  event.mutable_import_started()->set_conversation_id(id);
  event.mutable_import_started()->set_import_id(import_id);
  return event;
}

Event import_completed(const std::string& id, const std::string& import_id) {
  Event event;
  event.mutable_import_completed()->set_conversation_id(id);
  event.mutable_import_completed()->set_import_id(import_id);
  return event;
}

}  // namespace sluice::facts
