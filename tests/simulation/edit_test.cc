// An event that takes the place of a record in quarantine: folded as if it had come there, or
// waiting as if it had, which a person's deletion comes to as to any other.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/simulation/both_domains.h"

namespace sluice {
namespace {

constexpr std::int64_t kSecond = Both::kGarbage + 1;

std::string enveloped(const google::protobuf::Message& fact, const std::string& id = "edited") {
  Envelope envelope;
  envelope.set_id(id);
  envelope.set_key("c");
  *envelope.mutable_actor() = facts::service();
  envelope.set_payload(fact.SerializeAsString());
  return envelope.SerializeAsString();
}

void edit(Both& both, std::int64_t offset, const std::string& value, std::int64_t at_most = 0) {
  Control control;
  control.mutable_edit()->set_offset(offset);
  control.mutable_edit()->set_value(value);
  control.mutable_edit()->set_at_most(at_most);
  both.deliberation.post_control("c", control);
}

bool has_ballot(Both& both, const std::string& voter) {
  return both.deliberation.tables().find(voter) != std::string::npos;
}

facts::Event vote(const std::string& voter) {
  return facts::vote("c", "s", voter, deliberation::CHOICE_AGREE);
}

// Two records of "c" that nothing can read.
void park_twice(Both& both) {
  both.park();
  both.park();
  both.finish();
}

}  // namespace

TEST_CASE("an event in the place of the first that waits is folded with what waits behind it") {
  Both both;
  both.park();
  both.post(vote("ann"));
  both.finish();
  edit(both, Both::kGarbage, enveloped(vote("bob")));
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  CHECK(has_ballot(both, "ann"));
  CHECK(has_ballot(both, "bob"));
  CHECK(both.deliberation.tables().find("kind: -1") == std::string::npos);  // nothing ages out
}

TEST_CASE("one in a later place waits with its own bytes, whatever had become of the others") {
  Both both;
  park_twice(both);
  const bool aged_out = GENERATE(false, true);
  if (aged_out) {
    both.deliberation.pass(FoldedDomain::kRetention);
    both.deliberation.tick();
    both.finish();
    REQUIRE_FALSE(both.deliberation.quarantine().at(Offset{kSecond}).value);
  }
  const std::string event = enveloped(vote("bob"));
  edit(both, kSecond, event);
  both.finish();
  CHECK(both.deliberation.quarantine().at(Offset{kSecond}).value == event);
  both.deliberation.pass(FoldedDomain::kRetention);
  both.deliberation.tick();
  both.finish();
  CHECK(both.deliberation.quarantine().at(Offset{kSecond}).value == event);
  both.discard(Both::kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  CHECK(has_ballot(both, "bob"));
}

TEST_CASE("bytes that nobody can read age out of an edited place, too") {
  Both both;
  park_twice(both);
  edit(both, kSecond, "\xff\xffthe secret");
  both.finish();
  CHECK(both.deliberation.quarantine().at(Offset{kSecond}).value == "\xff\xffthe secret");
  both.deliberation.pass(FoldedDomain::kRetention);
  both.deliberation.tick();
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("an edit of what does not wait there under its key changes nothing") {
  Both both;
  park_twice(both);
  const std::string before = both.deliberation.tables();
  edit(both, 0, enveloped(vote("bob")));
  edit(both, 99, enveloped(vote("bob")));
  Control other;
  other.mutable_edit()->set_offset(Both::kGarbage);
  other.mutable_edit()->set_value(enveloped(vote("bob")));
  both.deliberation.post_control("another key", other);
  both.finish();
  CHECK(both.deliberation.tables() == before);
  CHECK(both.deliberation.quarantine().size() == 2);
}

TEST_CASE("an edited event that waits goes with its deleted user, before the edit or after") {
  Both both;
  park_twice(both);
  const bool deleted_before = GENERATE(false, true);
  if (deleted_before) both.delete_user("eve");
  both.finish();
  edit(both, kSecond, enveloped(secret("o1", "eve")));
  both.finish();
  if (!deleted_before) {
    REQUIRE(both.deliberation.quarantine().at(Offset{kSecond}).value->find("the secret") !=
            std::string::npos);
    both.delete_user("eve");
    both.finish();
  }
  both.require_gone("the secret");
  both.discard(Both::kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  both.require_gone("the secret");
}

TEST_CASE("an edited event that erases does so where it waits, and is folded in its turn") {
  Both both;
  park_twice(both);
  both.post(secret("o1", "eve"));
  both.finish();
  facts::Event removal;
  removal.mutable_participant_removed()->set_conversation_id("c");
  removal.mutable_participant_removed()->set_participant_id("eve");
  edit(both, kSecond, enveloped(removal));
  both.finish();
  both.require_gone("the secret");
  CHECK(both.deliberation.quarantine().size() == 2);
  CHECK(both.deliberation.tables().find("author_id: \"eve\"") != std::string::npos);
  both.discard(Both::kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  both.require_gone("author_id: \"eve\"");
}

TEST_CASE("a decision in pieces folds so many records a piece, and the last all that are left") {
  Both both;
  both.park();
  const std::vector<std::string> voters{"v1", "v2", "v3", "v4", "v5"};
  for (const std::string& voter : voters) both.post(vote(voter));
  both.finish();
  edit(both, Both::kGarbage, enveloped(vote("bob")), 2);
  both.finish();
  CHECK(both.deliberation.quarantine().size() == 4);
  Control more;
  more.mutable_release()->set_continues(true);
  more.mutable_release()->set_at_most(2);
  both.deliberation.post_control("c", more);
  both.post(vote("late"));
  both.finish();
  CHECK(both.deliberation.quarantine().size() == 3);
  more.mutable_release()->set_at_most(0);
  both.deliberation.post_control("c", more);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  for (const std::string& voter : voters) CHECK(has_ballot(both, voter));
  CHECK(has_ballot(both, "late"));
}

}  // namespace sluice
