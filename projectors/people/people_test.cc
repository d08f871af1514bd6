#include <catch2/catch.hpp>

#include "deliberation/events.pb.h"
#include "projectors/people/projection.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using people::Event;
using people::Participation;
using people::Person;

Actor actor(const std::string& id, Actor::Role role = Actor::ROLE_PARTICIPANT) {
  Actor actor;
  actor.set_id(id);
  actor.set_role(role);
  return actor;
}

Event joined(const std::string& user, const std::string& conversation) {
  Event event;
  event.mutable_user_joined()->set_user_id(user);
  event.mutable_user_joined()->set_conversation_id(conversation);
  return event;
}

Event deleted(const std::string& user) {
  Event event;
  event.mutable_user_deleted()->set_user_id(user);
  return event;
}

Event merged(const std::string& user, const std::string& into) {
  Event event;
  event.mutable_user_merged()->set_user_id(user);
  event.mutable_user_merged()->set_into(into);
  return event;
}

// Ann takes part in "c1" and "c2", bob in "c1".
struct Joined : FoldDriver<People> {
  Joined() {
    actor.set_role(Actor::ROLE_SERVICE);
    post(joined("ann", "c1"));
    post(joined("ann", "c2"));
    post(joined("bob", "c1"));
  }

  // What conversations were told since the last call: "c1 -ann", "c1 ann>bob".
  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const auto& event : emitted<deliberation::Event>()) {
      if (event.has_participant_removed()) {
        const auto& fact = event.participant_removed();
        all.push_back(fact.conversation_id() + " -" + fact.participant_id());
      } else {
        const auto& fact = event.participant_rekeyed();
        all.push_back(fact.conversation_id() + " " + fact.from() + ">" + fact.into());
      }
    }
    return all;
  }

  // Folds what users are asked, as their partitions would, until nobody is asked any more.
  std::vector<std::string> told_when_asked() {
    for (auto asked = emitted<Event>(); !asked.empty(); asked = emitted<Event>()) {
      for (const Event& event : asked) post(event);
    }
    return told();
  }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("where a user takes part is remembered, and told nobody while nothing becomes of them") {
  Joined driver;
  driver.now += std::chrono::hours(1);
  driver.post(joined("ann", "c1"));
  CHECK(driver.rows<Participation>("ann").size() == 2);
  CHECK(driver.row<Participation>("ann", "c1")->since() == 1'700'000'000'000);
  CHECK(driver.told().empty());
  CHECK(driver.row<Person>("ann") == nullptr);
}

TEST_CASE("a deletion is told to every conversation of the user, once") {
  Joined driver;
  CHECK(driver.post(deleted("ann")) == "");
  CHECK(driver.told() == Told{"c1 -ann", "c2 -ann"});
  CHECK(driver.rows<Participation>("ann").empty());
  CHECK(driver.rows<Participation>("bob").size() == 1);
  CHECK(driver.row<Person>("ann")->status() == people::USER_STATUS_DELETED);
  CHECK(driver.row<Person>("ann")->changed_at() == 1'700'000'000'000);
  CHECK(driver.post(deleted("ann")) == "");
  CHECK(driver.told().empty());
}

TEST_CASE("a merge is told to every conversation of the user, once, when `into` was asked") {
  Joined driver;
  CHECK(driver.post(merged("ann", "bob")) == "");
  CHECK(driver.rows<Participation>("ann").empty());
  CHECK(driver.row<Person>("ann")->status() == people::USER_STATUS_MERGED);
  CHECK(driver.row<Person>("ann")->into() == "bob");
  CHECK(driver.told().empty());
  CHECK(driver.told_when_asked() == Told{"c1 ann>bob", "c2 ann>bob"});
  CHECK(driver.rows<Participation>("bob").size() == 2);
  CHECK(driver.post(merged("ann", "cat")) == "");
  CHECK(driver.told_when_asked().empty());
  CHECK(driver.row<Person>("ann")->into() == "bob");
}

TEST_CASE("merged into somebody who was merged or deleted: whoever takes their place, or nobody") {
  Joined driver;
  SECTION("merged") {
    driver.post(merged("bob", "cat"));
    CHECK(driver.told_when_asked() == Told{"c1 bob>cat"});
    driver.post(merged("ann", "bob"));
    CHECK(driver.told_when_asked() == Told{"c1 ann>cat", "c2 ann>cat"});
  }
  SECTION("merged before they were asked") {
    driver.post(merged("ann", "bob"));
    driver.post(merged("bob", "cat"));
    CHECK(driver.told_when_asked() == Told{"c1 bob>cat", "c1 ann>cat", "c2 ann>cat"});
  }
  SECTION("merged after they were asked") {
    driver.post(merged("ann", "bob"));
    CHECK(driver.told_when_asked() == Told{"c1 ann>bob", "c2 ann>bob"});
    driver.post(merged("bob", "cat"));
    CHECK(driver.told_when_asked() == Told{"c1 bob>cat", "c2 bob>cat"});
  }
  SECTION("deleted") {
    driver.post(deleted("bob"));
    CHECK(driver.told() == Told{"c1 -bob"});
    driver.post(merged("ann", "bob"));
    CHECK(driver.told_when_asked() == Told{"c1 -ann", "c2 -ann"});
  }
  SECTION("in a circle") {
    driver.post(merged("ann", "bob"));
    driver.post(merged("bob", "ann"));
    CHECK(driver.told_when_asked() == Told{"c1 -ann", "c2 -ann", "c1 -bob"});
  }
  SECTION("into a circle") {
    driver.post(merged("cat", "dan"));
    driver.post(merged("dan", "cat"));
    driver.post(merged("bob", "cat"));
    CHECK(driver.told_when_asked() == Told{"c1 -bob"});
  }
}

TEST_CASE("a conversation that comes after the deletion or the merge is answered") {
  Joined driver;
  driver.post(deleted("ann"));
  driver.post(merged("bob", "cat"));
  driver.told_when_asked();
  driver.restart();
  driver.post(joined("ann", "c3"));
  driver.post(joined("ann", "c1"));
  driver.post(joined("bob", "c3"));
  CHECK(driver.told_when_asked() == Told{"c3 -ann", "c1 -ann", "c3 bob>cat"});
  CHECK(driver.rows<Participation>("ann").empty());
  CHECK(driver.rows<Participation>("bob").empty());
}

TEST_CASE("a deleted user is not merged any more, a merged one may be deleted") {
  Joined driver;
  driver.post(deleted("ann"));
  driver.told();
  CHECK(driver.post(merged("ann", "bob")) == "");
  CHECK(driver.told().empty());
  CHECK(driver.row<Person>("ann")->status() == people::USER_STATUS_DELETED);

  driver.post(merged("bob", "cat"));
  driver.told_when_asked();
  CHECK(driver.post(deleted("bob")) == "");
  driver.post(joined("bob", "c3"));
  CHECK(driver.told() == Told{"c3 -bob"});
  CHECK(driver.row<Person>("bob")->into() == "cat");
}

TEST_CASE("a user is deleted by themselves or a service, and merged by a service") {
  const auto [who, role, may_delete, may_merge] =
      GENERATE(Catch::Generators::table<std::string, Actor::Role, bool, bool>({
          {"ann", Actor::ROLE_PARTICIPANT, true, false},
          {"bob", Actor::ROLE_PARTICIPANT, false, false},
          {"", Actor::ROLE_PARTICIPANT, false, false},
          {"mod", Actor::ROLE_MODERATOR, false, false},
          {"svc", Actor::ROLE_SERVICE, true, true},
      }));
  const std::string_view no = "actor.not_allowed";
  CHECK(Joined().post_as(actor(who, role), deleted("ann")) == (may_delete ? "" : no));
  CHECK(Joined().post_as(actor(who, role), merged("ann", "bob")) == (may_merge ? "" : no));
  CHECK(Joined().post_as(actor(who, role), joined("ann", "c9")) == (may_merge ? "" : no));
}

TEST_CASE("a user in a hundred thousand conversations is one fact") {
  FoldDriver<People> driver;
  driver.actor.set_role(Actor::ROLE_SERVICE);
  constexpr std::size_t kMany = 100'000;
  for (std::size_t i = 0; i < kMany; ++i) driver.post(joined("ann", "c" + std::to_string(i)));
  driver.post(deleted("ann"));
  CHECK(driver.emitted<deliberation::Event>().size() == kMany);
  CHECK(driver.rows<Participation>("ann").empty());
}

}  // namespace sluice
