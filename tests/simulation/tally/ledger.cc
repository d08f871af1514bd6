#include "tests/simulation/tally/ledger.h"

#include <algorithm>
#include <tuple>

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
  return {"roster", member, event.SerializeAsString(), box};
}

Telling entered(const std::string& member, const std::string& box) {
  roster::Event event;
  event.mutable_member_entered()->set_member(member);
  event.mutable_member_entered()->set_box_id(box);
  return {"roster", member, event.SerializeAsString(), box};
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

bool TallyLedger::is_a_fact(const std::string& payload) const {
  tally::Event event;
  return event.ParseFromString(payload) && event.fact_case() != tally::Event::FACT_NOT_SET;
}

std::string TallyLedger::apply(const LedgerFact& fact, std::vector<Telling>& tellings) {
  tally::Event event;
  event.ParseFromString(fact.payload);
  const std::string id = *key_of(fact.payload);
  if (event.has_member_expelled() && !fact.by_service) return "actor.not_allowed";
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
    const bool again = box.members.contains(name);
    if (!again) tellings.push_back(entered(name, id));
    if (again && rules_.version > 1) --box.changes;
    Member& member = box.members[name];
    ++member.times;
    member.last_position = fact.offset;
    member.stay_ms = event.member_added().stay_ms();
    trace(id, 0);
    forget_plans(id, name);
    if (event.member_added().has_stay_ms()) {
      plans_.push_back({fact.recorded_at + member.stay_ms / 2, id, name, 0});
      plans_.push_back({fact.recorded_at + member.stay_ms, id, name, 1});
    }
  } else if (event.has_box_emptied()) {
    for (const auto& [name, member] : box.members) {
      tellings.push_back(left(name, id));
      forget_plans(id, name);
    }
    box.members.clear();
  } else {
    if (event.has_member_expelled()) ++box.expelled;
    if (box.members.erase(gone) > 0) tellings.push_back(left(gone, id));
    forget_plans(id, gone);
  }
  return {};
}

void TallyLedger::trace(const std::string& box, int what) {
  boxes_[box].trace = (boxes_[box].trace * 5 + what + 1) % 1'000'000'007;
}

void TallyLedger::forget_plans(const std::string& box, const std::string& member) {
  std::erase_if(plans_, [&](const Plan& plan) {
    return plan.kind != 2 && plan.box == box && plan.member == member;
  });
}

std::optional<std::int64_t> TallyLedger::next_due() const {
  std::optional<std::int64_t> first;
  for (const Plan& plan : plans_) {
    if (!plan.waits) first = std::min(first.value_or(plan.due), plan.due);
  }
  return first;
}

bool TallyLedger::fails(const LedgerFact& fact) const {
  tally::Event event;
  event.ParseFromString(fact.payload);
  const std::int64_t odd = event.member_added().stay_ms() % 64;
  return rules_.fails && (odd == 5 || odd == 13 || odd == 21) && fact.folded_to % 4 != 1;
}

bool TallyLedger::fails(const Plan& plan, std::int64_t folded_to) const {
  if (!rules_.fails || plan.kind == 2 || folded_to % 3 == 1) return false;
  const std::int64_t odd = boxes_.at(plan.box).members.at(plan.member).stay_ms % 64;
  return odd == 35 || odd == 43;
}

std::vector<TallyLedger::Plan>::iterator TallyLedger::first_plan(bool waits,
                                                                 const std::string& box) {
  const auto order = [](const Plan& plan) {
    return std::make_tuple(plan.due, plan.member.empty() ? plan.box : plan.box + "/" + plan.member,
                           plan.kind);
  };
  auto first = plans_.end();
  for (auto plan = plans_.begin(); plan != plans_.end(); ++plan) {
    if (plan->waits != waits || (!box.empty() && plan->box != box)) continue;
    if (first == plans_.end() || order(*plan) < order(*first)) first = plan;
  }
  return first;
}

std::vector<std::string> TallyLedger::pass(const Passed& to, std::vector<Telling>& tellings) {
  std::vector<std::string> failed;
  for (;;) {
    const auto first = first_plan(false);
    if (first == plans_.end() || first->due > to.record_time) return failed;
    const bool behind = held_.contains(first->box);
    if (behind || fails(*first, to.folded_to)) {
      first->waits = true;
      if (!behind) failed.push_back(first->box);
      held_.insert(first->box);
      continue;
    }
    const Plan plan = *first;
    plans_.erase(first);
    happen(plan, tellings);
  }
}

// Nothing that happens keeps a member's plan from happening.
bool TallyLedger::holds_up(const std::string& box, const Passed& to) const {
  if (held_.contains(box)) return false;
  return std::ranges::any_of(plans_, [&](const Plan& plan) {
    return plan.box == box && plan.due <= to.record_time && fails(plan, to.folded_to);
  });
}

void TallyLedger::resume(const std::string& box, bool drops_first) {
  if (drops_first) plans_.erase(first_plan(true, box));
  for (Plan& plan : plans_) {
    if (plan.box == box) plan.waits = false;
  }
  held_.erase(box);
}

void TallyLedger::happen(const Plan& plan, std::vector<Telling>& tellings) {
  trace(plan.box, 1 + plan.kind);
  if (plan.kind != 1) return;
  Box& box = boxes_[plan.box];
  const std::int64_t stay = box.members[plan.member].stay_ms;
  box.members.erase(plan.member);
  ++box.changes;
  changed_.insert(plan.box);
  tellings.push_back(left(plan.member, plan.box));
  if (stay % 2 == 0) return;
  std::erase_if(plans_,
                [&](const Plan& other) { return other.kind == 2 && other.box == plan.box; });
  plans_.push_back({plan.due + 1000, plan.box, "", 2});
}

void TallyLedger::add_rows(Rows& rows) const {
  for (const auto& [id, box] : boxes_) {
    const Member none;
    const Member* most = &none;
    for (const auto& [name, member] : box.members) {
      const bool before = member.times != most->times ? member.times > most->times
                                                      : member.last_position < most->last_position;
      if (before) most = &member;
    }
    rows[id] = {static_cast<std::int64_t>(box.members.size()),
                box.changes,
                box.expelled,
                box.trace,
                most->times,
                most->last_position};
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
    if (summary != then) {
      throw Broken("not what is computed as of " + std::to_string(as_ofs[id]) + ": " + id);
    }
  }
  return as_ofs;
}

TextsByTable TallyLedger::computed_rows(const MemoryViews& views) const {
  TextsByTable all;
  for (const auto& [box, as_of] : computed(views)) {
    const Summary& then = std::prev(history_.at(box).upper_bound(as_of))->second;
    all["box_summary"][box] = std::to_string(then.members) + " " + std::to_string(then.times);
    for (std::size_t place = 0; place < then.names.size(); ++place) {
      all["box_place"][box + "/" + std::to_string(place)] = then.names[place];
    }
  }
  return all;
}

std::map<std::string, std::int64_t> TallyLedger::computed_waiting(const MemoryViews& views) const {
  std::map<std::string, std::int64_t> found;
  views.for_each_row<tally::BoxSummary>([&](const tally::BoxSummary& row) {
    const auto history = history_.find(row.box_id());
    if (history == history_.end()) return;  // another partition's
    if (std::prev(history->second.upper_bound(row.as_of()))->second.members % 4 == 3) {
      found[row.box_id()] = row.as_of();
    }
  });
  return found;
}

std::map<std::string, bool> TallyLedger::behind(const MemoryViews& views) const {
  const auto as_ofs = computed(views);
  std::map<std::string, bool> behind;
  for (const auto& [box, history] : history_) {
    const auto& [changed_at, last] = *history.rbegin();
    const auto as_of = as_ofs.find(box);
    const bool is = as_of == as_ofs.end() || as_of->second < changed_at;
    if (is) behind.emplace(box, last.members % 4 == 3);
  }
  return behind;
}

Rows TallyLedger::published(const MemoryViews& views) {
  Rows rows;
  views.for_each_row<tally::Box>([&](const tally::Box& row) {
    rows[row.box_id()] = {row.members(), row.changes(),    row.expelled(),
                          row.trace(),   row.most_times(), row.most_position()};
  });
  views.for_each_row<tally::Member>([&](const tally::Member& row) {
    rows[row.box_id() + "/" + row.member()] = {row.times(), row.last_position()};
  });
  return rows;
}

}  // namespace sluice::simulation
