// What owners, moderators and services do, beside moderation.

#include <utility>

#include "tools/simulate/deliberation.h"
#include "tools/simulate/deliberation_ids.h"

namespace sluice::simulate {

using namespace deliberation;
using Fact = DeliberationTraffic::Fact;

void DeliberationTraffic::act_as(const std::string& id, Actor::Role role, Fact& fact) const {
  fact.actor.set_id(id);
  fact.actor.set_level(Actor::LEVEL_ACCOUNT);
  fact.actor.set_role(role);
}

std::optional<Fact> DeliberationTraffic::administer() {
  // Whatever is shut is soon opened again.
  if (!shut_.empty() && random_.per_mille(400)) return open_again();
  const std::size_t conversation = zipf_.rank(conversations_.size(), random_);
  if (conversations_[conversation].deleted) return std::nullopt;
  const int percent = random_.between(0, 99);
  if (percent < 20) return edit(conversation);
  if (percent < 35) return shut(conversation);
  if (percent < 65) return delete_opinion(conversation);
  if (percent < 80) return set_eligibility(conversation);
  if (percent < 86) return remove_participant(conversation);
  if (percent < 92) return rekey_participant(conversation);
  if (percent < 95) return delete_conversation(conversation);
  if (!conversations_[conversation].open()) return std::nullopt;
  return import(conversation);
}

Fact DeliberationTraffic::edit(std::size_t conversation) {
  Fact made = fact(conversation_id(conversation));
  auto& data = *made.event.mutable_conversation_edited();
  data.set_conversation_id(made.key);
  data.set_title(numbered("Conversation, edition ", random_.below(1000)));
  if (random_.per_mille(500)) data.set_body(opinion_body(conversation));
  if (random_.per_mille(100)) data.set_indexed(random_.per_mille(700));
  act_as(owner_id(conversation), Actor::ROLE_PARTICIPANT, made);
  return made;
}

std::optional<Fact> DeliberationTraffic::shut(std::size_t conversation) {
  // Never many at once, or visits would have nowhere to go.
  if (!conversations_[conversation].open() || shut_.size() * 4 >= conversations_.size()) {
    return std::nullopt;
  }
  Fact made = fact(conversation_id(conversation));
  shut_.push_back(conversation);
  if (random_.per_mille(700)) {
    conversations_[conversation].closed = true;
    made.event.mutable_conversation_closed()->set_conversation_id(made.key);
    act_as(owner_id(conversation), Actor::ROLE_PARTICIPANT, made);
  } else {
    conversations_[conversation].locked = true;
    made.event.mutable_conversation_locked()->set_conversation_id(made.key);
    made.event.mutable_conversation_locked()->set_reason("heated");
    act_as("moderator", Actor::ROLE_MODERATOR, made);
  }
  return made;
}

std::optional<Fact> DeliberationTraffic::open_again() {
  std::swap(shut_[random_.below(shut_.size())], shut_.back());
  const std::size_t number = shut_.back();
  shut_.pop_back();
  Conversation& conversation = conversations_[number];
  if (conversation.deleted) return std::nullopt;
  Fact made = fact(conversation_id(number));
  if (std::exchange(conversation.closed, false)) {
    made.event.mutable_conversation_reopened()->set_conversation_id(made.key);
    act_as(owner_id(number), Actor::ROLE_PARTICIPANT, made);
  } else {
    conversation.locked = false;
    made.event.mutable_conversation_unlocked()->set_conversation_id(made.key);
    made.event.mutable_conversation_unlocked()->set_reason("");
    act_as("moderator", Actor::ROLE_MODERATOR, made);
  }
  return made;
}

std::optional<Fact> DeliberationTraffic::delete_opinion(std::size_t conversation) {
  auto& opinions = conversations_[conversation].opinions;
  const std::size_t number = random_.below(opinions.size());
  if (number == 0 || !opinions[number].live) return std::nullopt;
  opinions[number].live = false;
  Fact made = fact(conversation_id(conversation));
  made.event.mutable_opinion_deleted()->set_conversation_id(made.key);
  made.event.mutable_opinion_deleted()->set_opinion_id(opinion_id(number));
  if (random_.per_mille(600)) {
    act_as(opinions[number].author_id, Actor::ROLE_PARTICIPANT, made);
  } else {
    act_as("moderator", Actor::ROLE_MODERATOR, made);
  }
  return made;
}

std::optional<Fact> DeliberationTraffic::delete_conversation(std::size_t conversation) {
  // The busiest stay.
  if (conversation < 8) return std::nullopt;
  conversations_[conversation].deleted = true;
  Fact made = fact(conversation_id(conversation));
  made.event.mutable_conversation_deleted()->set_conversation_id(made.key);
  act_as(owner_id(conversation), Actor::ROLE_PARTICIPANT, made);
  return made;
}

std::optional<Fact> DeliberationTraffic::set_eligibility(std::size_t conversation) {
  if (visits_.empty()) return std::nullopt;
  const Visit& visit = visits_[random_.below(visits_.size())];
  if (conversations_[visit.conversation].deleted) return std::nullopt;
  Fact made = fact(conversation_id(random_.per_mille(500) ? visit.conversation : conversation));
  auto& data = *made.event.mutable_participant_eligibility_set();
  data.set_conversation_id(made.key);
  data.set_participant_id(visit.participant_id);
  data.set_eligible(random_.per_mille(300));
  act_as("moderator", Actor::ROLE_MODERATOR, made);
  return made;
}

std::optional<Fact> DeliberationTraffic::remove_participant(std::size_t conversation) {
  auto& opinions = conversations_[conversation].opinions;
  const std::string who = opinions[random_.below(opinions.size())].author_id;
  if (who == owner_id(conversation)) return std::nullopt;
  conversations_[conversation].removed.insert(who);
  for (Opinion& opinion : opinions) {
    if (opinion.author_id == who) opinion.live = false;
  }
  Fact made = fact(conversation_id(conversation));
  made.event.mutable_participant_removed()->set_conversation_id(made.key);
  made.event.mutable_participant_removed()->set_participant_id(who);
  act_as("accounts", Actor::ROLE_SERVICE, made);
  return made;
}

std::optional<Fact> DeliberationTraffic::rekey_participant(std::size_t conversation) {
  auto& removed = conversations_[conversation].removed;
  auto& opinions = conversations_[conversation].opinions;
  const std::string from = opinions[random_.below(opinions.size())].author_id;
  const std::string into =
      numbered("p", random_.below(static_cast<std::size_t>(shape_.participants)));
  if (from == owner_id(conversation) || from == into || removed.contains(from) ||
      removed.contains(into)) {
    return std::nullopt;
  }
  removed.insert(from);
  for (Opinion& opinion : opinions) {
    if (opinion.author_id == from) opinion.author_id = into;
  }
  Fact made = fact(conversation_id(conversation));
  auto& data = *made.event.mutable_participant_rekeyed();
  data.set_conversation_id(made.key);
  data.set_from(from);
  data.set_into(into);
  act_as("accounts", Actor::ROLE_SERVICE, made);
  return made;
}

// Returns its beginning; the rest follows at once.
Fact DeliberationTraffic::import(std::size_t conversation) {
  const std::string import_id = numbered("i", static_cast<std::size_t>(imports_++));
  constexpr int kOpinions = 5;
  constexpr int kVotes = 20;
  Fact started = fact(conversation_id(conversation));
  auto& begin = *started.event.mutable_import_started();
  begin.set_conversation_id(started.key);
  begin.set_import_id(import_id);
  begin.set_total(kOpinions + kVotes);
  act_as("importer", Actor::ROLE_SERVICE, started);

  auto& opinions = conversations_[conversation].opinions;
  const std::size_t first = opinions.size();
  for (std::size_t i = 0; i < kOpinions; ++i) {
    Fact made = fact(started.key);
    auto& data = *made.event.mutable_opinion_created();
    data.set_conversation_id(made.key);
    data.set_opinion_id(opinion_id(opinions.size()));
    data.set_author_id(numbered(import_id + "-", i));
    data.set_body(opinion_body(opinions.size()));
    data.set_auto_vote(false);
    data.set_is_seed(false);
    opinions.push_back({data.author_id()});
    act_as("importer", Actor::ROLE_SERVICE, made);
    imported_.push_back(std::move(made));
  }
  for (std::size_t i = 0; i < kVotes; ++i) {
    Fact made = fact(started.key);
    auto& data = *made.event.mutable_vote_set();
    data.set_conversation_id(made.key);
    data.set_opinion_id(opinion_id(first + i % kOpinions));
    data.set_participant_id(numbered(import_id + "-", i / kOpinions));
    data.set_choice(random_.per_mille(600) ? CHOICE_AGREE : CHOICE_DISAGREE);
    act_as("importer", Actor::ROLE_SERVICE, made);
    imported_.push_back(std::move(made));
  }
  Fact completed = fact(started.key);
  completed.event.mutable_import_completed()->set_conversation_id(started.key);
  completed.event.mutable_import_completed()->set_import_id(import_id);
  completed.event.mutable_import_completed()->set_total(kOpinions + kVotes);
  act_as("importer", Actor::ROLE_SERVICE, completed);
  imported_.push_back(std::move(completed));
  return started;
}

}  // namespace sluice::simulate
