#include "tests/simulation/both_domains.h"

#include <catch2/catch.hpp>

namespace sluice {

Both::Both() {
  post(facts::conversation("c", "olga", deliberation::PARTICIPATION_GUEST, {"s"}));
  post(facts::opinion("c", "o0", "eve"));
  finish();
}

void Both::finish() {
  for (bool told = true; told;) {
    told = deliver(deliberation.fold());
    told |= deliver(people.fold());
  }
}

bool Both::deliver(const std::vector<DerivedRecord>& derived) {
  for (const DerivedRecord& record : derived) {
    if (record.stream == "people.events") people.append(record.key, record.value);
    if (record.stream == "deliberation.events") deliberation.append(record.key, record.value);
  }
  return !derived.empty();
}

void Both::delete_user(const std::string& id) {
  people::Event event;
  event.mutable_user_deleted()->set_user_id(id);
  post(event);
}

void Both::merge_user(const std::string& id, const std::string& into) {
  people::Event event;
  event.mutable_user_merged()->set_user_id(id);
  event.mutable_user_merged()->set_into(into);
  post(event);
}

void Both::discard(std::int64_t offset, const std::string& key) {
  Control control;
  control.mutable_discard()->set_offset(offset);
  deliberation.post_control(key, control);
}

void Both::require_gone(const std::string& text) {
  const std::string before = deliberation.tables();
  CHECK_THAT(where_is(text), Catch::Equals(""));
  deliberation.refold();
  CHECK_THAT(where_is(text), Catch::Equals(""));
  CHECK(deliberation.tables() == before);
}

std::string Both::where_is(const std::string& text) {
  std::string places;
  for (const auto& row : deliberation.quarantine()) {
    const QuarantinedRecord& record = row.second;
    if (!record.value || record.value->find(text) == std::string::npos) continue;
    places += "quarantine at " + std::to_string(record.position.value) + ", ";
  }
  if (deliberation.tables().find(text) != std::string::npos) places += "tables";
  return places;
}

facts::Event secret(const std::string& id, const std::string& author) {
  return facts::opinion("c", id, author, {"the secret", false, false});
}

}  // namespace sluice
