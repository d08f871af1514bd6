// Derived records, step by step: what their receiver makes of them, also of such as had to wait.

#include <catch2/catch.hpp>

#include "storage/base/errors.h"
#include "tests/simulation/two_sides.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a derived record counts once for good, whatever the horizon") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  const Envelope derived = p.roster.log().front();
  CHECK(p.person().entries() == 1);
  p.now += 10 * kHorizon;
  p.roster.now = p.now;
  roster::Event pardon;
  pardon.mutable_member_pardoned()->set_member("m");
  p.roster.post(pardon, "m", "later");
  p.roster.append(derived);
  CHECK(p.person().entries() == 1);
  SECTION("also after its state was lost") { p.roster.state = MemoryState(); }
  SECTION("also after a restart") {}
  p.roster.restart();
  p.roster.append(derived);
  CHECK(p.person().entries() == 1);
}

TEST_CASE("a derived record's id is not a producer's") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  roster::Event ban;
  ban.mutable_member_banned()->set_member("m");
  p.roster.post(ban, "m", "tally:0@0/0");
  CHECK(p.person().banned());
}

TEST_CASE("a derived record that waits in quarantine is taken when released, once") {
  Pair p;
  p.roster.append_bytes("m", "garbage");
  p.add("box", "m", "e0");
  p.add("box", "n", "e1");
  p.tally.sink.fail_next_flush();
  CHECK_THROWS_AS(p.tally.flush(), Retryable);
  p.tally.restart();
  p.tally.flush();  // everything stands there twice
  p.roster.flush();
  // Those of its source for other keys have gone on.
  REQUIRE(p.roster.rows<roster::Person>().size() == 1);
  CHECK(p.roster.rows<roster::Person>().front().member() == "n");
  CHECK(p.roster.views.quarantined(kOnly).size() == 2);  // the repeat does not wait

  SECTION("after a restart too") { p.roster.restart(); }
  SECTION("at once") {}
  Envelope discard;
  discard.mutable_control()->mutable_discard()->set_offset(0);
  p.roster.append(discard);
  p.roster.flush();
  CHECK(p.roster.views.quarantined(kOnly).empty());
  for (const auto& person : p.roster.rows<roster::Person>()) CHECK(person.entries() == 1);
  CHECK(p.roster.rows<roster::Person>().size() == 2);
}

TEST_CASE("a derived record that was discarded does not come back as its repeat") {
  Pair p;
  p.add("box", "m", "e0");
  p.tally.flush();
  const Envelope derived = p.roster.log().front();
  Envelope broken = derived;
  broken.set_payload("no event");
  broken.mutable_origin()->set_position(7);
  p.roster.append(broken);
  Envelope discard;
  discard.mutable_control()->mutable_discard()->set_offset(1);
  p.roster.append(discard);
  Envelope repeat = derived;
  repeat.mutable_origin()->set_position(7);
  p.roster.append(repeat);
  CHECK(p.person().entries() == 1);
}

TEST_CASE("what a released record emits is behind what was emitted before") {
  Pair p;
  p.tally.append_bytes("box", "garbage");
  p.add("box", "m", "e0");
  p.add("other", "m", "e1");
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@2/0"});
  p.add("box", "n", "e2");
  Envelope discard;
  discard.mutable_control()->mutable_discard()->set_offset(0);
  p.tally.append(discard);
  p.tally.flush();
  CHECK(ids(p.roster.log()) == Ids{"tally:0@2/0", "tally:0@4/0", "tally:0@4/1"});
  p.roster.flush();
  CHECK(p.roster.rows<roster::Presence>().size() == 3);
}

TEST_CASE("what only a service may say is rejected of anybody else") {
  Pair p;
  roster::Event entered;
  entered.mutable_member_entered()->set_member("m");
  entered.mutable_member_entered()->set_box_id("box");
  Envelope envelope = p.roster.post(entered, "m", "e0");
  envelope.set_id("e1");
  envelope.mutable_actor()->set_role(Actor::ROLE_SERVICE);
  p.roster.append(envelope);
  CHECK(p.person().entries() == 1);
  const auto rejections = p.roster.views.rejections(kOnly);
  REQUIRE(rejections.size() == 1);
  CHECK(rejections.front().event_id == "e0");
  CHECK(rejections.front().reason == "actor.not_allowed");
}

}  // namespace
}  // namespace sluice
