#include "tests/simulation/tally/projection.h"

#include <vector>

namespace sluice {

std::string_view Tally::key(const Event& event) {
  switch (event.fact_case()) {
    case Event::kMemberAdded:
      return event.member_added().box_id();
    case Event::kMemberRemoved:
      return event.member_removed().box_id();
    case Event::kBoxEmptied:
      return event.box_emptied().box_id();
    case Event::FACT_NOT_SET:
      break;
  }
  return {};
}

void Tally::fold(const Event& event, const Record& record, Effects& effects) {
  switch (event.fact_case()) {
    case Event::kMemberAdded: {
      const auto& fact = event.member_added();
      tally::Member& member = members_.edit(fact.box_id(), fact.member());
      tally::Box& box = boxes_.edit(fact.box_id());
      if (member.times() == 0) box.set_members(box.members() + 1);
      member.set_times(member.times() + 1);
      member.set_last_position(record.position.value);
      box.set_changes(box.changes() + 1);
      return;
    }
    case Event::kMemberRemoved: {
      const auto& fact = event.member_removed();
      if (members_.find(fact.box_id(), fact.member()) == nullptr) {
        return effects.reject("member.unknown");
      }
      members_.erase(fact.box_id(), fact.member());
      tally::Box& box = boxes_.edit(fact.box_id());
      box.set_members(box.members() - 1);
      box.set_changes(box.changes() + 1);
      return;
    }
    case Event::kBoxEmptied: {
      const auto& fact = event.box_emptied();
      std::vector<std::string> gone;
      for (const tally::Member& member : members_.prefix(fact.box_id())) {
        gone.push_back(member.member());
      }
      for (const std::string& member : gone) members_.erase(fact.box_id(), member);
      tally::Box& box = boxes_.edit(fact.box_id());
      box.set_members(0);
      box.set_changes(box.changes() + 1);
      return;
    }
    case Event::FACT_NOT_SET:
      return;
  }
}

}  // namespace sluice
