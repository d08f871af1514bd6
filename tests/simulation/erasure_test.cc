// A deleted person is erased from quarantine too: the records of theirs that wait there go, in
// whatever order deletion and records came, and a refold has the same.

#include <catch2/catch.hpp>
#include <string>

#include "storage/base/partitioner.h"
#include "tests/simulation/both_domains.h"

namespace sluice {

TEST_CASE("what waits of a deleted user goes when the conversation is told, before it is folded") {
  Both both;
  both.park();
  both.post(secret("o1", "eve"));
  both.post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  both.finish();
  REQUIRE(both.deliberation.quarantine().size() == 3);
  both.delete_user("eve");
  both.finish();
  both.require_gone("the secret");
  // The garbage, ann's vote, and what the conversation was told.
  CHECK(both.deliberation.quarantine().size() == 3);

  both.discard(Both::kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  both.require_gone("author_id: \"eve\"");
  CHECK(both.deliberation.tables().find("ann") != std::string::npos);
}

TEST_CASE("so goes what waits of one whose first part in the conversation it is") {
  Both both;
  both.park();
  both.post(secret("o1", "new"));
  both.finish();
  both.delete_user("new");
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("so goes what is posted, and waits, after its user was deleted") {
  Both both;
  both.delete_user("eve");
  both.finish();
  both.park();
  both.post(secret("o1", "eve"));
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("so goes what waits of one who was merged into the deleted user meanwhile") {
  Both both;
  both.park();
  both.post(secret("o1", "eve"));
  both.finish();
  both.merge_user("eve", "fay");
  both.finish();
  both.post(secret("o2", "eve"));
  both.finish();
  REQUIRE(both.deliberation.quarantine().size() >= 3);
  both.delete_user("fay");
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("a fact that breaks a rule and is the deleted user's goes, and the key goes on") {
  Both both;
  both.post(secret("no id", "eve"));
  both.post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  both.finish();
  REQUIRE(both.deliberation.quarantine().size() == 2);
  both.delete_user("eve");
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  both.require_gone("the secret");
  CHECK(both.deliberation.tables().find("ann") != std::string::npos);
}

TEST_CASE("a conversation that waits loses its deleted owner's seeds and stays") {
  Both both;
  both.deliberation.append("d", "garbage");
  auto created = facts::conversation("d", "eve", deliberation::PARTICIPATION_GUEST, {"s1"});
  created.mutable_conversation_created()->mutable_seeds(0)->set_body("the secret");
  both.post(created);
  both.post(facts::vote("d", "s1", "ann", deliberation::CHOICE_AGREE));
  const bool seen = GENERATE(false, true);  // by a flush, before the deletion
  if (seen) both.finish();
  both.delete_user("eve");
  both.finish();
  both.require_gone("the secret");
  both.discard(Both::kGarbage, "d");
  both.finish();
  both.require_gone("the secret");
  CHECK(both.deliberation.tables().find("conversation_id: \"d\" owner_id: \"eve\"") !=
        std::string::npos);
  REQUIRE_FALSE(both.deliberation.rejections().empty());
  CHECK(both.deliberation.rejections().back().reason == "opinion.unknown");
}

TEST_CASE(
    "only a service erases: what somebody else posts under that name waits and does nothing") {
  Both both;
  both.park();
  both.post(secret("o1", "eve"));
  facts::Event removal;
  removal.mutable_participant_removed()->set_conversation_id("c");
  removal.mutable_participant_removed()->set_participant_id("eve");
  Envelope envelope;
  envelope.set_id("forged");
  envelope.set_key("c");
  *envelope.mutable_actor() = facts::actor("mallory");
  envelope.set_payload(removal.SerializeAsString());
  both.deliberation.append("c", envelope.SerializeAsString());
  both.finish();
  CHECK(both.deliberation.quarantine().size() == 3);
}

TEST_CASE(
    "a misrouted record's row has no bytes where they are somebody's, since no erasure comes "
    "there") {
  const std::string key = "c";
  const int elsewhere = partition_of(key, 2) == Partition{0} ? 3 : 2;
  FoldedDomain side(describe<Deliberation>("deliberation"),
                    partition_of(key, elsewhere) == Partition{0} ? 5 : elsewhere);
  side.post(key, secret("o1", "eve"));
  side.append(key, "garbage");
  side.fold();
  const auto rows = side.quarantine();
  REQUIRE(rows.size() == 2);
  CHECK(rows.at(Offset{0}).value == "");
  CHECK(rows.at(Offset{1}).value == "garbage");
  side.pass(FoldedDomain::kRetention);
  side.tick();
  side.fold();
  CHECK_FALSE(side.quarantine().at(Offset{1}).value);
}

}  // namespace sluice
