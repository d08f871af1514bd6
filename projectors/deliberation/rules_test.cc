// What schemas/deliberation/events.proto asks of a fact by itself.

#include "schemas/descriptors/rules.h"

#include <catch2/catch.hpp>

#include "tests/support/deliberation_facts.h"

namespace sluice {
namespace {

using namespace deliberation;

// The fields at fault, in the order told.
std::string faulty(Event event) {
  std::string fields;
  for (const Fault& fault : check_rules(event)) fields.append(fault.field).append(" ");
  return fields;
}

TEST_CASE("facts as tests write them meet their rules") {
  CHECK(faulty(facts::conversation("c", "olga", PARTICIPATION_VERIFIED, {"a", "b"})) == "");
  CHECK(faulty(facts::closed("c")) == "");
  CHECK(faulty(facts::reopened("c")) == "");
  CHECK(faulty(facts::edited("c", "title")) == "");
  CHECK(faulty(facts::locked("c")) == "");
  CHECK(faulty(facts::unlocked("c")) == "");
  CHECK(faulty(facts::deleted("c")) == "");
  CHECK(faulty(facts::opinion_deleted("c", "o")) == "");
  CHECK(faulty(facts::eligibility("c", "ann", false)) == "");
  CHECK(faulty(facts::opinion("c", "o", "ann")) == "");
  CHECK(faulty(facts::moderated("c", "o", MODERATION_NONE)) == "");
  CHECK(faulty(facts::meta("c", "o", false)) == "");
  CHECK(faulty(facts::vote("c", "o", "ann", CHOICE_NONE)) == "");
  CHECK(faulty(facts::import_started("c", "i")) == "");
  CHECK(faulty(facts::import_completed("c", "i")) == "");
}

TEST_CASE("what has no default must be there") {
  Event event;
  event.mutable_vote_set();
  CHECK(faulty(event) == "conversation_id opinion_id participant_id choice ");
  event.mutable_opinion_created();
  CHECK(faulty(event) == "conversation_id opinion_id author_id body ");
  event.mutable_opinion_moderated();
  CHECK(faulty(event) == "conversation_id opinion_id state ");
  event.mutable_opinion_marked_meta();
  CHECK(faulty(event) == "conversation_id opinion_id meta ");
  event.mutable_conversation_created();
  CHECK(faulty(event) == "conversation_id owner_id title ");
  event.mutable_import_started();
  CHECK(faulty(event) == "conversation_id import_id ");
  event.mutable_participant_eligibility_set();
  CHECK(faulty(event) == "conversation_id participant_id eligible ");
  event.mutable_opinion_deleted();
  CHECK(faulty(event) == "conversation_id opinion_id ");
}

TEST_CASE("what is absent and has a default is written") {
  Event event;
  event.mutable_opinion_created();
  (void)check_rules(event);
  CHECK(event.opinion_created().auto_vote());
  CHECK(event.opinion_created().has_is_seed());
  event.mutable_conversation_created();
  (void)check_rules(event);
  const auto& created = event.conversation_created();
  CHECK((created.has_slug() && created.has_body() && created.has_kind() && created.has_indexed()));
  CHECK(created.has_participation());
  CHECK(created.participation() == PARTICIPATION_GUEST);
}

TEST_CASE("what an edit does not name stays absent") {
  Event event;
  event.mutable_conversation_edited()->set_conversation_id("c");
  CHECK(faulty(event) == "");
  const auto& fact = event.conversation_edited();
  CHECK_FALSE((fact.has_title() || fact.has_body() || fact.has_indexed()));
  CHECK_FALSE(fact.has_participation());
}

TEST_CASE("texts have their lengths, in code points, and seeds their own ids") {
  const std::string e_acute = "\xc3\xa9";
  std::string longest;
  for (int i = 0; i < 1000; ++i) longest += e_acute;
  CHECK(faulty(facts::opinion("c", "o", "ann", {longest})) == "");
  CHECK(faulty(facts::opinion("c", "o", "ann", {longest + e_acute})) == "body ");
  CHECK(faulty(facts::opinion("c", "o", "ann", {""})) == "body ");
  CHECK(faulty(facts::moderated("c", "o", MODERATION_HIDE, std::string(1001, 'x'))) == "reason ");
  Event locked = facts::locked("c");
  locked.mutable_conversation_locked()->set_reason(std::string(1001, 'x'));
  CHECK(faulty(locked) == "reason ");
  CHECK(faulty(facts::edited("c", "")) == "title ");
  CHECK(faulty(facts::edited("c", std::string(141, 'x'))) == "title ");
  CHECK(faulty(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"a", "a"})) != "");
  CHECK(faulty(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"a b"})) ==
        "seeds[0].opinion_id ");
}

}  // namespace
}  // namespace sluice
