#pragma once

// Two domains by hand: what tally emits comes to roster.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/simulation/roster/projection.h"
#include "tests/simulation/side.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {

struct Pair {
  explicit Pair(int tally_partitions = 1)
      : tally(log, describe<Tally>("tally"), true, {}, tally_partitions) {}

  Time now{std::chrono::milliseconds{1'700'000'000'000}};
  MemoryLog log{[this] { return now; }};
  Side tally;
  Side roster{log, describe<Roster>("roster")};

  void add(const std::string& box, const std::string& member, const std::string& id) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    tally.post(event, box, id);
  }
  void empty(const std::string& box, const std::string& id) {
    tally::Event event;
    event.mutable_box_emptied()->set_box_id(box);
    tally.post(event, box, id);
  }
  void remove(const std::string& box, const std::string& member, const std::string& id) {
    tally::Event event;
    event.mutable_member_removed()->set_box_id(box);
    event.mutable_member_removed()->set_member(member);
    tally.post(event, box, id);
  }
  // Of the only person there is.
  roster::Person person() {
    roster.flush();
    const auto all = roster.rows<roster::Person>();
    REQUIRE(all.size() == 1);
    return all.front();
  }
};

inline std::vector<std::string> ids(const std::vector<Envelope>& envelopes) {
  std::vector<std::string> all;
  all.reserve(envelopes.size());
  for (const Envelope& envelope : envelopes) all.push_back(envelope.id());
  return all;
}

using Ids = std::vector<std::string>;

}  // namespace sluice
