#include "tests/simulation/tally/ledger.h"

#include "roster/events.pb.h"
#include "tally/tables.pb.h"
#include "tests/simulation/ids.h"

namespace sluice::simulation {
namespace {

Telling left(const std::string& member, const std::string& box) {
  roster::Event event;
  event.mutable_member_left()->set_member(member);
  event.mutable_member_left()->set_box_id(box);
  return {"roster", member, event.SerializeAsString()};
}

Telling entered(const std::string& member, const std::string& box) {
  roster::Event event;
  event.mutable_member_entered()->set_member(member);
  event.mutable_member_entered()->set_box_id(box);
  return {"roster", member, event.SerializeAsString()};
}

}  // namespace

std::optional<std::string> TallyLedger::key_of(const std::string& payload) const {
  tally::Event event;
  if (!event.ParseFromString(payload)) return std::nullopt;
  std::string box;
  std::string member = "none";
  if (event.has_member_added()) {
    box = event.member_added().box_id();
    member = event.member_added().member();
  } else if (event.has_member_removed()) {
    box = event.member_removed().box_id();
    member = event.member_removed().member();
  } else if (event.has_member_expelled()) {
    box = event.member_expelled().box_id();
    member = event.member_expelled().member();
  } else if (event.has_box_emptied()) {
    box = event.box_emptied().box_id();
  }
  if (!is_an_id(box) || !is_an_id(member)) return std::nullopt;
  return box;
}

std::string TallyLedger::apply(std::int64_t offset, const std::string& payload, bool by_service,
                               std::vector<Telling>& tellings) {
  tally::Event event;
  event.ParseFromString(payload);
  const std::string id = *key_of(payload);
  if (event.has_member_expelled() && !by_service) return "actor.not_allowed";
  const std::string gone = event.has_member_removed() ? event.member_removed().member()
                                                      : event.member_expelled().member();
  if (event.has_member_removed() && (!boxes_.contains(id) || !boxes_[id].members.contains(gone))) {
    return "member.unknown";
  }
  Box& box = boxes_[id];
  ++box.changes;
  if (event.has_member_added()) {
    const std::string& name = event.member_added().member();
    if (!box.members.contains(name)) tellings.push_back(entered(name, id));
    ++box.members[name].times;
    box.members[name].last_position = offset;
  } else if (event.has_box_emptied()) {
    for (const auto& [name, member] : box.members) tellings.push_back(left(name, id));
    box.members.clear();
  } else {
    if (event.has_member_expelled()) ++box.expelled;
    if (box.members.erase(gone) > 0) tellings.push_back(left(gone, id));
  }
  return {};
}

void TallyLedger::add_rows(Rows& rows) const {
  for (const auto& [id, box] : boxes_) {
    rows[id] = {static_cast<std::int64_t>(box.members.size()), box.changes, box.expelled};
    for (const auto& [name, member] : box.members) {
      rows[id + "/" + name] = {member.times, member.last_position};
    }
  }
}

Rows TallyLedger::published(const MemoryViews& views) {
  Rows rows;
  views.for_each_row<tally::Box>([&](const tally::Box& row) {
    rows[row.box_id()] = {row.members(), row.changes(), row.expelled()};
  });
  views.for_each_row<tally::Member>([&](const tally::Member& row) {
    rows[row.box_id() + "/" + row.member()] = {row.times(), row.last_position()};
  });
  return rows;
}

}  // namespace sluice::simulation
