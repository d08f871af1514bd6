#include "tests/simulation/tally/ledger.h"

#include <algorithm>

#include "roster/events.pb.h"
#include "tally/tables.pb.h"
#include "tests/simulation/broken.h"
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
  changed_.insert(id);
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

void TallyLedger::reach(std::int64_t position) {
  for (const std::string& id : changed_) {
    Summary& summary = history_[id][position];
    for (const auto& [name, member] : boxes_[id].members) {
      ++summary.members;
      summary.times += member.times;
      summary.names.push_back(name);
    }
  }
  changed_.clear();
}

std::map<std::string, std::int64_t> TallyLedger::computed(const MemoryViews& views) const {
  std::map<std::string, std::int64_t> as_ofs;
  std::map<std::string, Summary> found;
  views.for_each_row<tally::BoxSummary>([&](const tally::BoxSummary& row) {
    if (!history_.contains(row.box_id())) return;  // another partition's
    as_ofs[row.box_id()] = row.as_of();
    found[row.box_id()].members = row.members();
    found[row.box_id()].times = row.times();
  });
  views.for_each_row<tally::BoxPlace>([&](const tally::BoxPlace& row) {
    if (!history_.contains(row.box_id())) return;
    auto& names = found[row.box_id()].names;
    if (static_cast<std::int64_t>(names.size()) != row.place()) {
      throw Broken("computed rows of two times: " + row.box_id());
    }
    names.push_back(row.member());
  });
  for (const auto& [id, summary] : found) {
    const auto& history = history_.at(id);
    const auto behind = history.upper_bound(as_ofs[id]);
    if (!as_ofs.contains(id) || behind == history.begin())
      throw Broken("computed of nothing: " + id);
    const Summary& then = std::prev(behind)->second;
    if (then.members % 4 == 3) throw Broken("computed while it was to wait: " + id);
    if (summary != then) {
      throw Broken("not what is computed as of " + std::to_string(as_ofs[id]) + ": " + id);
    }
  }
  return as_ofs;
}

bool TallyLedger::all_computed(const MemoryViews& views) const {
  const auto as_ofs = computed(views);
  return std::all_of(history_.begin(), history_.end(), [&](const auto& each) {
    const auto& [changed_at, last] = *each.second.rbegin();
    const auto as_of = as_ofs.find(each.first);
    return last.members % 4 == 3 || (as_of != as_ofs.end() && as_of->second >= changed_at);
  });
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
