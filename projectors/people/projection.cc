#include "projectors/people/projection.h"

#include <vector>

#include "deliberation/events.pb.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using people::Event;
using people::Person;
using people::UserInherited;

std::int64_t count(Time time) { return time.time_since_epoch().count(); }

// Merged in a circle, there is nobody to find; more than this in a row is as good as one.
constexpr int kMostAsked = 100;

void tell_removed(const std::string& conversation_id, const std::string& user_id,
                  Effects& effects) {
  deliberation::Event event;
  event.mutable_participant_removed()->set_conversation_id(conversation_id);
  event.mutable_participant_removed()->set_participant_id(user_id);
  effects.emit(event);
}

void tell_rekeyed(const UserInherited& fact, Effects& effects) {
  deliberation::Event event;
  event.mutable_participant_rekeyed()->set_conversation_id(fact.conversation_id());
  event.mutable_participant_rekeyed()->set_from(fact.from());
  event.mutable_participant_rekeyed()->set_into(fact.user_id());
  effects.emit(event);
}

// Asks `into` to take the place of `from` in the conversation.
void ask(const std::string& into, const std::string& from, const std::string& conversation_id,
         int asked, Effects& effects) {
  Event event;
  event.mutable_user_inherited()->set_user_id(into);
  event.mutable_user_inherited()->set_from(from);
  event.mutable_user_inherited()->set_conversation_id(conversation_id);
  event.mutable_user_inherited()->set_asked(asked);
  effects.emit(event);
}

// The person is gone, deleted or merged: the conversation is told which.
void tell(const std::string& conversation_id, const Person& person, Effects& effects) {
  if (person.status() == people::USER_STATUS_DELETED) {
    return tell_removed(conversation_id, person.user_id(), effects);
  }
  ask(person.into(), person.user_id(), conversation_id, 0, effects);
}

}  // namespace

void People::fold(const Event& event, const Record& record, Effects& effects) {
  switch (event.fact_case()) {
    case Event::kUserDeleted:
      return remove(event.user_deleted(), record, effects);
    case Event::kUserMerged:
      return merge(event.user_merged(), record, effects);
    case Event::kUserJoined:
      return join(event.user_joined(), record, effects);
    case Event::kUserInherited:
      return inherit(event.user_inherited(), record, effects);
    case Event::FACT_NOT_SET:
      CHECK(false, "a record without a fact meets no rule and is not folded");
  }
}

void People::remove(const people::UserDeleted& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.user_id();
  if (record.actor.role() != Actor::ROLE_SERVICE && record.actor.id() != id) {
    return effects.reject("actor.not_allowed");
  }
  const Person* known = persons_.find(id);
  if (known != nullptr && known->status() == people::USER_STATUS_DELETED) return;
  Person& person = persons_.edit(id);
  person.set_status(people::USER_STATUS_DELETED);
  person.set_changed_at(count(record.recorded_at));
  tell_all(person, effects);
}

void People::merge(const people::UserMerged& fact, const Record& record, Effects& effects) {
  // Gone or merged already: where there was something of them it is somebody else's, or nobody's.
  if (persons_.find(fact.user_id()) != nullptr) return;
  Person& person = persons_.edit(fact.user_id());
  person.set_status(people::USER_STATUS_MERGED);
  person.set_into(fact.into());
  person.set_changed_at(count(record.recorded_at));
  tell_all(person, effects);
}

void People::join(const people::UserJoined& fact, const Record& record, Effects& effects) {
  if (const Person* gone = persons_.find(fact.user_id())) {
    return tell(fact.conversation_id(), *gone, effects);
  }
  remember(fact.user_id(), fact.conversation_id(), record);
}

void People::inherit(const UserInherited& fact, const Record& record, Effects& effects) {
  const Person* gone = persons_.find(fact.user_id());
  if (gone == nullptr) {
    remember(fact.user_id(), fact.conversation_id(), record);
    return tell_rekeyed(fact, effects);
  }
  const bool nobody = gone->status() == people::USER_STATUS_DELETED ||
                      gone->into() == fact.from() || fact.asked() >= kMostAsked;
  if (nobody) return tell_removed(fact.conversation_id(), fact.from(), effects);
  ask(gone->into(), fact.from(), fact.conversation_id(), fact.asked() + 1, effects);
}

void People::remember(const std::string& user_id, const std::string& conversation_id,
                      const Record& record) {
  if (participations_.find(user_id, conversation_id) != nullptr) return;
  participations_.edit(user_id, conversation_id).set_since(count(record.recorded_at));
}

void People::tell_all(const Person& person, Effects& effects) {
  std::vector<std::string> conversations;
  for (const people::Participation& participation : participations_.prefix(person.user_id())) {
    conversations.push_back(participation.conversation_id());
  }
  for (const std::string& conversation : conversations) {
    tell(conversation, person, effects);
    participations_.erase(person.user_id(), conversation);
  }
}

}  // namespace sluice
