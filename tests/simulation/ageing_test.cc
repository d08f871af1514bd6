// Records whose bytes have aged out of quarantine, and their way back from the log.

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "tests/simulation/both_domains.h"
#include "tests/simulation/two_sides.h"

namespace sluice {
namespace {

// The tally of an earlier release, which knew one fact.
class EarlierTally {
 public:
  using Event = tally::EarlierEvent;
  static constexpr int kVersion = Tally::kVersion;
  static constexpr bool kEmits = true;

  explicit EarlierTally(Tables& tables) : tally_(tables) {}
  static std::string_view key(const Event& event) { return event.member_added().box_id(); }
  void fold(const Event& event, const Record& record, Effects& effects) {
    tally::Event now;
    *now.mutable_member_added() = event.member_added();
    tally_.fold(now, record, effects);
  }
  void fire(const Timer& timer, Effects& effects) { tally_.fire(timer, effects); }
  void refresh() { tally_.refresh(); }

 private:
  Tally tally_;
};

// A box whose member "m" is removed by a fact that its program does not know; "n" comes behind.
struct Unknown {
  Unknown() {
    p.tally.run(describe<EarlierTally>("tally"));
    p.add("b", "m", "1");
    p.remove("b", "m", "2");
    p.add("b", "n", "3");
    pass(kRetention);
    p.tally.flush();
  }

  void pass(std::chrono::milliseconds time) {
    p.now += time;
    Envelope tick;
    tick.set_recorded_at(p.now.time_since_epoch().count());
    tick.mutable_control()->mutable_tick();
    p.tally.append(tick);
  }
  Envelope release(std::int64_t offset) {
    Envelope envelope;
    envelope.set_key("b");
    envelope.mutable_control()->mutable_release()->set_offset(offset);
    envelope.mutable_control()->mutable_release()->set_value(
        std::string(p.log.records("tally.events", kOnly)[kRemoval].value()));
    return envelope;
  }
  std::string members() {
    p.tally.flush();
    std::string all;
    for (const tally::Member& member : p.tally.rows<tally::Member>()) all += member.member();
    return all;
  }
  std::size_t quarantined() { return p.tally.views.quarantined(kOnly).size(); }

  static constexpr std::int64_t kRemoval = 1;
  Pair p;
};

std::string enveloped(const std::string& payload, const std::string& domain = "") {
  Envelope envelope;
  envelope.set_id("e");
  envelope.set_key("c");
  envelope.set_domain(domain);
  envelope.set_payload(payload);
  return envelope.SerializeAsString();
}

const std::string kTooLong(1'000, 'x');  // a title

}  // namespace

TEST_CASE("a domain without timers lets bytes age out, and the rest of the row stays") {
  Pair p;
  p.roster.append_bytes("m", "garbage");
  p.roster.flush();
  const auto before = p.roster.views.quarantined(kOnly).at(0);
  REQUIRE(before.value == "garbage");
  p.now += kRetention;
  Envelope tick;
  tick.set_recorded_at(p.now.time_since_epoch().count());
  tick.mutable_control()->mutable_tick();
  p.roster.append(tick);
  p.roster.restart();
  p.roster.flush();
  const auto after = p.roster.views.quarantined(kOnly).at(0);
  CHECK_FALSE(after.value);
  CHECK(after.key == before.key);
  CHECK(after.reason == before.reason);
  CHECK(after.appended_at == before.appended_at);
}

TEST_CASE("what has aged out is released from the log, once, by a program that can read it") {
  Unknown unknown;
  REQUIRE(unknown.members() == "m");
  REQUIRE(unknown.quarantined() == 2);
  unknown.p.tally.append(unknown.release(Unknown::kRemoval));
  CHECK(unknown.members() == "m");  // not yet by this one

  unknown.p.tally.run(describe<Tally>("tally"));
  Envelope plain;
  plain.set_key("b");
  plain.mutable_control()->mutable_release();
  unknown.p.tally.append(plain);
  CHECK(unknown.members() == "m");  // it has no bytes to read

  unknown.p.tally.append(unknown.release(Unknown::kRemoval));
  CHECK(unknown.members() == "n");
  CHECK(unknown.quarantined() == 0);

  unknown.p.add("b", "m", "4");
  unknown.p.tally.append(unknown.release(Unknown::kRemoval));
  CHECK(unknown.members() == "mn");
}

TEST_CASE("a release brings bytes only to the record that has none, at its own offset") {
  Unknown unknown;
  unknown.p.tally.run(describe<Tally>("tally"));
  unknown.p.tally.append(unknown.release(2));
  unknown.p.tally.append(unknown.release(0));
  CHECK(unknown.members() == "m");
  CHECK(unknown.quarantined() == 2);
}

TEST_CASE("bytes that a release brought to no avail are not kept") {
  Unknown unknown;
  unknown.p.tally.append(unknown.release(Unknown::kRemoval));
  unknown.p.tally.flush();
  CHECK_FALSE(unknown.p.tally.views.quarantined(kOnly).at(0).value);
  for (const auto& [key, value] : unknown.p.tally.state.rows()) {
    CHECK(value.find(std::string(unknown.release(1).control().release().value())) ==
          std::string::npos);
  }
}

TEST_CASE(
    "what a deletion may not find ages out of quarantine, and a fact that is nobody's stays") {
  struct Case {
    const char* what;
    std::string key;
    std::string value;
    bool ages;
  };
  facts::Event nameless = secret("o1", "eve");
  nameless.mutable_opinion_created()->clear_author_id();
  const auto [what, key, value, ages] = GENERATE_COPY(values<Case>(
      {{"no envelope", "c", "\xff\xffthe secret", true},
       {"no envelope and no key", "", "\xff\xffthe secret", true},
       {"an unknown fact", "c", enveloped("\xfa\x3f\x0athe secret"), true},
       {"cut behind a fact that is nobody's", "c",
        enveloped(facts::edited("c", "the secret").SerializeAsString() + "\xff"), true},
       {"another domain's", "c",
        enveloped(facts::edited("c", "the secret").SerializeAsString(), "other"), true},
       {"somebody's without a name", "c", enveloped(nameless.SerializeAsString()), true},
       {"of one whom nobody was told of", "c",
        enveloped(secret("no id", "new").SerializeAsString()), true},
       {"a fact that is nobody's", "c", enveloped(facts::edited("c", kTooLong).SerializeAsString()),
        false}}));
  INFO(what);
  FoldedDomain side(describe<Deliberation>("deliberation"));
  side.append(key, value);
  side.fold();
  REQUIRE(side.quarantine().at(Offset{0}).value == value);
  side.pass(FoldedDomain::kRetention - std::chrono::milliseconds(10));
  side.tick();
  side.fold();
  CHECK(side.quarantine().at(Offset{0}).value == value);
  side.pass(std::chrono::milliseconds(10));
  side.tick();
  side.fold();
  for (const bool again : {false, true}) {
    if (again) side.refold();
    CHECK(side.quarantine().at(Offset{0}).value.has_value() == !ages);
    CHECK((side.tables().find("the secret") == std::string::npos || !ages));
  }
}

TEST_CASE("what waits behind a record that has aged out goes on waiting, and is erased as before") {
  Both both;
  both.park();
  both.post(secret("o1", "eve"));
  both.post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  both.finish();
  both.deliberation.pass(FoldedDomain::kRetention);
  both.deliberation.tick();
  both.finish();
  auto rows = both.deliberation.quarantine();
  REQUIRE(rows.size() == 3);
  CHECK_FALSE(rows.at(Offset{Both::kGarbage}).value);
  CHECK(rows.at(Offset{Both::kGarbage + 1}).value);
  both.delete_user("eve");
  both.finish();
  both.require_gone("the secret");
  both.discard(Both::kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  CHECK(both.deliberation.tables().find("ann") != std::string::npos);
}

TEST_CASE("what was discarded or erased leaves no timer behind") {
  Both both;
  both.park();
  both.post(secret("no id", "eve"));
  both.finish();
  REQUIRE(both.deliberation.tables().find("kind: -1") != std::string::npos);
  both.delete_user("eve");
  both.discard(Both::kGarbage);
  both.finish();
  CHECK(both.deliberation.tables().find("kind: -1") == std::string::npos);
}

}  // namespace sluice
