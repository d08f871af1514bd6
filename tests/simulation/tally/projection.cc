#include "tests/simulation/tally/projection.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include "projectors/engine/tables/stored_rows.h"
#include "roster/events.pb.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Kinds of timers. Those of a member have the key "box/member", the box's own has "box".
enum TimerKind : int { kWarned, kLeaves, kAired };

constexpr milliseconds kToAiring{1000};

std::string timer_key(const std::string& box_id, const std::string& member) {
  return box_id + "/" + member;
}

void stop_timers(const std::string& box_id, const std::string& member, Effects& effects) {
  effects.cancel(timer_key(box_id, member), kWarned);
  effects.cancel(timer_key(box_id, member), kLeaves);
}

void tell_left(const std::string& member, const std::string& box_id, Effects& effects) {
  roster::Event event;
  event.mutable_member_left()->set_member(member);
  event.mutable_member_left()->set_box_id(box_id);
  effects.emit(event);
}

class OfBox final : public Computation {
 public:
  explicit OfBox(std::string_view box_id) : box_id_(box_id) {}
  bool read(const StateSnapshot& state, const std::stop_token& stop) override {
    auto rows = StoredRows::below<tally::Member>(state, box_id_);
    while (const auto* row = static_cast<const tally::Member*>(rows.next()))
      members_.push_back(*row);
    return !stop.stop_requested();
  }
  bool compute(const std::stop_token& stop) override {
    for (const tally::Member& member : members_) times_ += member.times();
    return !stop.stop_requested();
  }
  ComputedRows rows(const ComputedAt& at) override {
    ComputedRows made{box_id_, {}};
    made.tables.resize(2);
    made.tables[0].row = tally::BoxSummary::descriptor();
    made.tables[1].row = tally::BoxPlace::descriptor();
    auto summary = std::make_unique<tally::BoxSummary>();
    summary->set_box_id(box_id_);
    summary->set_as_of(at.as_of.value);
    summary->set_members(static_cast<std::int64_t>(members_.size()));
    summary->set_times(times_);
    made.tables[0].rows.push_back(std::move(summary));
    for (std::size_t place = 0; place < members_.size(); ++place) {
      auto row = std::make_unique<tally::BoxPlace>();
      row->set_box_id(box_id_);
      row->set_place(static_cast<std::int64_t>(place));
      row->set_member(members_[place].member());
      made.tables[1].rows.push_back(std::move(row));
    }
    return made;
  }

 private:
  const std::string box_id_;
  std::vector<tally::Member> members_;
  std::int64_t times_ = 0;
};

}  // namespace

const Computed& Tally::computed() {
  static const Computed boxes{*tally::Box::descriptor(),
                              [](const google::protobuf::Message& row) {
                                const auto& box = static_cast<const tally::Box&>(row);
                                return Demand{box.box_id(), Offset{box.changed_at()},
                                              static_cast<std::uint64_t>(box.members()),
                                              box.members() % 4 == 3};
                              },
                              [](std::string_view box_id) -> std::unique_ptr<Computation> {
                                return std::make_unique<OfBox>(box_id);
                              }};
  return boxes;
}

void Tally::fold(const Event& event, const Record& record, Effects& effects) {
  folded_to_ = record.folded_to;
  switch (event.fact_case()) {
    case Event::kMemberAdded:
      return add(event.member_added(), record, effects);
    case Event::kMemberRemoved:
      return remove(event.member_removed(), effects);
    case Event::kBoxEmptied:
      return empty(event.box_emptied(), effects);
    case Event::kMemberExpelled:
      return expel(event.member_expelled(), effects);
    case Event::FACT_NOT_SET:
      return;
  }
}

tally::Box& Tally::change(const std::string& box_id, int members, int changes) {
  tally::Box& box = boxes_.edit(box_id);
  box.set_members(box.members() + members);
  box.set_changes(box.changes() + changes);
  box.set_changed_at(folded_to_.value);
  return box;
}

void Tally::add(const tally::MemberAdded& fact, const Record& record, Effects& effects) {
  tally::Member& member = members_.edit(fact.box_id(), fact.member());
  const bool entered = member.times() == 0;
  member.set_times(member.times() + 1);
  member.set_last_position(record.position.value);
  member.set_stay_ms(fact.stay_ms());
  change(fact.box_id(), entered ? 1 : 0, entered || rules_.version == 1 ? 1 : 0);
  trace(fact.box_id(), 0);
  set_stay(fact, record, effects);
  if (entered) {
    roster::Event event;
    event.mutable_member_entered()->set_member(fact.member());
    event.mutable_member_entered()->set_box_id(fact.box_id());
    effects.emit(event);
  }
  // Last, so that everything is to be undone.
  may_fail_to_add(fact.stay_ms());
}

// What is folded later is folded at another place, and need not fail again.
void Tally::may_fail_to_add(std::int64_t stay_ms) const {
  if (!rules_.fails || folded_to_.value % 4 == 1) return;
  CHECK(stay_ms % 64 != 13, "no stay is 13 more than a multiple of 64");
  if (stay_ms % 64 == 5) throw std::runtime_error("such a stay is not to be had");
  if (stay_ms % 64 == 21) throw "no exception at all";
}

void Tally::may_fail_to_fire(std::int64_t stay_ms, const Timer& timer, Effects& effects) const {
  if (!rules_.fails || timer.folded_to.value % 3 == 1) return;
  if (stay_ms % 64 == 35) throw std::runtime_error("nobody may be warned or leave now");
  if (stay_ms % 64 == 43) effects.at(timer.due, timer.key, timer.kind);  // would fire for ever
}

void Tally::remove(const tally::MemberRemoved& fact, Effects& effects) {
  tell_left(fact.member(), fact.box_id(), effects);
  // What a rejected fact emitted is dropped.
  if (members_.find(fact.box_id(), fact.member()) == nullptr) {
    return effects.reject("member.unknown");
  }
  members_.erase(fact.box_id(), fact.member());
  stop_timers(fact.box_id(), fact.member(), effects);
  change(fact.box_id(), -1);
}

void Tally::empty(const tally::BoxEmptied& fact, Effects& effects) {
  std::vector<std::string> gone;
  for (const tally::Member& member : members_.prefix(fact.box_id())) {
    gone.push_back(member.member());
  }
  for (const std::string& member : gone) {
    members_.erase(fact.box_id(), member);
    stop_timers(fact.box_id(), member, effects);
    tell_left(member, fact.box_id(), effects);
  }
  change(fact.box_id(), -static_cast<int>(gone.size()));
}

void Tally::expel(const tally::MemberExpelled& fact, Effects& effects) {
  const bool there = members_.find(fact.box_id(), fact.member()) != nullptr;
  tally::Box& box = change(fact.box_id(), there ? -1 : 0);
  box.set_expelled(box.expelled() + 1);
  if (!there) return;
  members_.erase(fact.box_id(), fact.member());
  stop_timers(fact.box_id(), fact.member(), effects);
  tell_left(fact.member(), fact.box_id(), effects);
}

void Tally::trace(const std::string& box_id, int what) {
  constexpr std::int64_t kPrime = 1'000'000'007;
  tally::Box& box = boxes_.edit(box_id);
  box.set_trace((box.trace() * 5 + what + 1) % kPrime);
}

void Tally::refresh() {
  for (const std::string& box_id : by_times_.take_changed()) {
    const ByTimes::Place* first = by_times_.of(box_id).at(0);
    const ByTimes::Place most = first == nullptr ? ByTimes::Place() : *first;
    const tally::Box& box = *boxes_.find(box_id);
    if (box.most_times() == most.times && box.most_position() == most.position) continue;
    tally::Box& changed = boxes_.edit_found(box);
    changed.set_most_times(most.times);
    changed.set_most_position(most.position);
  }
}

void Tally::set_stay(const tally::MemberAdded& fact, const Record& record, Effects& effects) {
  if (!fact.has_stay_ms()) return stop_timers(fact.box_id(), fact.member(), effects);
  const std::string key = timer_key(fact.box_id(), fact.member());
  effects.at(record.recorded_at + milliseconds{fact.stay_ms() / 2}, key, kWarned);
  effects.at(record.recorded_at + milliseconds{fact.stay_ms()}, key, kLeaves);
}

void Tally::fire(const Timer& timer, Effects& effects) {
  folded_to_ = timer.folded_to;
  const std::string key(timer.key);
  const std::size_t slash = key.find('/');
  const std::string box_id = key.substr(0, slash);
  trace(box_id, 1 + timer.kind);
  if (timer.kind == kAired) return;
  const std::string member = key.substr(slash + 1);
  const std::int64_t stay_ms = members_.find(box_id, member)->stay_ms();
  if (timer.kind == kLeaves) {
    leave(box_id, member, effects);
    if (stay_ms % 2 != 0) effects.at(timer.due + kToAiring, box_id, kAired);
  }
  may_fail_to_fire(stay_ms, timer, effects);
}

void Tally::leave(const std::string& box_id, const std::string& member, Effects& effects) {
  members_.erase(box_id, member);
  change(box_id, -1);
  tell_left(member, box_id, effects);
}

}  // namespace sluice
