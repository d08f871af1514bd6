#include "tests/simulation/roster/projection.h"

#include "tally/events.pb.h"

namespace sluice {
namespace {

void expel(const std::string& member, const std::string& box_id, Effects& effects) {
  tally::Event event;
  event.mutable_member_expelled()->set_box_id(box_id);
  event.mutable_member_expelled()->set_member(member);
  effects.emit(event);
}

}  // namespace

void Roster::fold(const Event& event, const Record& record, Effects& effects) {
  switch (event.fact_case()) {
    case Event::kMemberEntered: {
      const auto& fact = event.member_entered();
      roster::Person& person = persons_.edit(fact.member());
      person.set_entries(person.entries() + 1);
      presences_.edit(fact.member(), fact.box_id()).set_since_position(record.position.value);
      if (person.banned()) expel(fact.member(), fact.box_id(), effects);
      return;
    }
    case Event::kMemberLeft: {
      const auto& fact = event.member_left();
      if (presences_.find(fact.member(), fact.box_id()) == nullptr) {
        return effects.reject("member.absent");
      }
      presences_.erase(fact.member(), fact.box_id());
      roster::Person& person = persons_.edit(fact.member());
      person.set_exits(person.exits() + 1);
      return;
    }
    case Event::kMemberBanned:
      return ban(event.member_banned().member(), effects);
    case Event::kMemberPardoned:
      return persons_.edit(event.member_pardoned().member()).set_banned(false);
    case Event::FACT_NOT_SET:
      return;
  }
}

void Roster::ban(const std::string& member, Effects& effects) {
  persons_.edit(member).set_banned(true);
  for (const roster::Presence& presence : presences_.prefix(member)) {
    expel(member, presence.box_id(), effects);
  }
}

}  // namespace sluice
