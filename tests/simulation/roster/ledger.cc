#include "tests/simulation/roster/ledger.h"

#include "roster/tables.pb.h"
#include "tally/events.pb.h"
#include "tests/simulation/ids.h"

namespace sluice::simulation {
namespace {

Telling expelled(const std::string& member, const std::string& box) {
  tally::Event event;
  event.mutable_member_expelled()->set_box_id(box);
  event.mutable_member_expelled()->set_member(member);
  return {"tally", box, event.SerializeAsString(), member};
}

}  // namespace

std::optional<std::string> RosterLedger::key_of(const std::string& payload) const {
  roster::Event event;
  if (!event.ParseFromString(payload)) return std::nullopt;
  std::string member;
  std::string box = "none";
  if (event.has_member_entered()) {
    member = event.member_entered().member();
    box = event.member_entered().box_id();
  } else if (event.has_member_left()) {
    member = event.member_left().member();
    box = event.member_left().box_id();
  } else if (event.has_member_banned()) {
    member = event.member_banned().member();
  } else if (event.has_member_pardoned()) {
    member = event.member_pardoned().member();
  }
  if (!is_an_id(member) || !is_an_id(box)) return std::nullopt;
  return member;
}

bool RosterLedger::is_a_fact(const std::string& payload) const {
  roster::Event event;
  return event.ParseFromString(payload) && event.fact_case() != roster::Event::FACT_NOT_SET;
}

std::string RosterLedger::apply(const LedgerFact& fact, std::vector<Telling>& tellings) {
  roster::Event event;
  event.ParseFromString(fact.payload);
  const std::string name = *key_of(fact.payload);
  if ((event.has_member_entered() || event.has_member_left()) && !fact.by_service) {
    return "actor.not_allowed";
  }
  const auto known = persons_.find(name);
  if (event.has_member_left() &&
      (known == persons_.end() || !known->second.since.contains(event.member_left().box_id()))) {
    return "member.absent";
  }
  Person& person = persons_[name];
  if (event.has_member_entered()) {
    const std::string& box = event.member_entered().box_id();
    ++person.entries;
    person.since[box] = fact.offset;
    if (person.banned) tellings.push_back(expelled(name, box));
  } else if (event.has_member_left()) {
    ++person.exits;
    person.since.erase(event.member_left().box_id());
  } else {
    person.banned = event.has_member_banned();
    if (!person.banned) return {};
    for (const auto& [box, since] : person.since) tellings.push_back(expelled(name, box));
  }
  return {};
}

void RosterLedger::add_rows(Rows& rows) const {
  for (const auto& [name, person] : persons_) {
    rows[name] = {person.banned ? 1 : 0, person.entries, person.exits};
    for (const auto& [box, since] : person.since) rows[name + "/" + box] = {since};
  }
}

Rows RosterLedger::published(const MemoryViews& views) {
  Rows rows;
  views.for_each_row<roster::Person>([&](const roster::Person& row) {
    rows[row.member()] = {row.banned() ? 1 : 0, row.entries(), row.exits()};
  });
  views.for_each_row<roster::Presence>([&](const roster::Presence& row) {
    rows[row.member() + "/" + row.box_id()] = {row.since_position()};
  });
  return rows;
}

}  // namespace sluice::simulation
