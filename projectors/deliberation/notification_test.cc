#include <catch2/catch.hpp>

#include "projectors/deliberation/projection.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;

// Olga's conversation "c", in which ann wrote "o1".
struct Driver : FoldDriver<Deliberation> {
  Driver() {
    post(facts::conversation("c", "olga"));
    post(facts::opinion("c", "o1", "ann"));
  }
  void vote(int participant, Choice choice = CHOICE_AGREE) {
    REQUIRE(post(facts::vote("c", "o1", "u" + std::to_string(participant), choice)) == "");
  }
  void votes(int from, int to, Choice choice = CHOICE_AGREE) {
    for (int i = from; i < to; ++i) vote(i, choice);
  }
  // The milestones of which the recipient was told, in the order of the ids.
  std::vector<std::int64_t> told(const std::string& recipient) {
    std::vector<std::int64_t> counts;
    for (const Notification& row : rows<Notification>(recipient)) {
      if (row.kind() == NOTIFICATION_KIND_OPINION_VOTES) counts.push_back(row.count());
    }
    std::sort(counts.begin(), counts.end());
    return counts;
  }
};

using Counts = std::vector<std::int64_t>;

TEST_CASE("the owner is told of every new opinion of somebody else that is no seed") {
  Driver driver;
  driver.now += std::chrono::seconds(1);
  driver.post(facts::opinion("c", "o2", "olga"));
  driver.post(facts::opinion("c", "o3", "ann", {"body", false, true}));
  driver.post(facts::opinion("c", "o4", "bob"));
  driver.post(facts::opinion("c", "o4", "bob"));
  const auto rows = driver.rows<Notification>("olga");
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].notification_id() == "c/o4/opinion_created");
  CHECK(rows[1].kind() == NOTIFICATION_KIND_OPINION_CREATED);
  CHECK(rows[1].conversation_id() == "c");
  CHECK(rows[1].opinion_id() == "o4");
  CHECK(rows[1].count() == 1);
  CHECK(rows[1].created_at() == driver.now.time_since_epoch().count());
}

TEST_CASE("the author is told when others' agrees and disagrees pass a milestone") {
  Driver driver;
  driver.vote(0, CHOICE_DISAGREE);
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  driver.votes(1, 4);
  CHECK(driver.told("ann") == Counts{1});
  driver.vote(4, CHOICE_PASS);
  CHECK(driver.told("ann") == Counts{1});
  driver.now += std::chrono::seconds(1);
  driver.vote(4, CHOICE_DISAGREE);
  CHECK(driver.told("ann") == Counts{1, 5});
  const auto* row = driver.row<Notification>("ann", "c/o1/opinion_votes/5");
  REQUIRE(row != nullptr);
  CHECK(row->opinion_id() == "o1");
  CHECK(row->created_at() == driver.now.time_since_epoch().count());
  driver.votes(5, 30);
  CHECK(driver.told("ann") == Counts{1, 5, 10, 25});
}

TEST_CASE("a milestone is notified once, whatever votes are withdrawn later") {
  Driver driver;
  driver.votes(0, 5);
  const Time first = driver.now;
  driver.now += std::chrono::hours(1);
  driver.votes(0, 5, CHOICE_NONE);
  driver.restart();
  driver.votes(0, 5);
  CHECK(driver.told("ann") == Counts{1, 5});
  for (const Notification& row : driver.rows<Notification>("ann")) {
    CHECK(row.created_at() == first.time_since_epoch().count());
  }
}

TEST_CASE("milestones jumped over under load: none is, in whatever batches votes are folded") {
  const int batch = GENERATE(1, 7, 400);
  Driver driver;
  for (int i = 0; i < 300; ++i) {
    driver.vote(i, i % 3 == 0 ? CHOICE_DISAGREE : CHOICE_AGREE);
    if (i % batch == 0) driver.restart();
  }
  CHECK(driver.told("ann") == Counts{1, 5, 10, 25, 50, 100, 250});
}

TEST_CASE("only a vote.set notifies: an import passes milestones in silence, for then") {
  Driver driver;
  driver.actor = facts::service();
  driver.post(facts::import_started("c", "i"));
  driver.votes(0, 12);
  driver.post(facts::opinion("c", "o2", "bob"));
  CHECK(driver.told("ann").empty());
  CHECK(driver.rows<Notification>("olga").size() == 1);
  driver.post(facts::import_completed("c", "i"));
  driver.vote(12);
  CHECK(driver.told("ann").empty());
  driver.votes(0, 4, CHOICE_NONE);
  driver.votes(0, 4);
  CHECK(driver.told("ann") == Counts{10});
}

TEST_CASE("votes that are rekeyed notify nobody; the next vote does") {
  Driver driver;
  driver.votes(0, 4);
  driver.actor = facts::service();
  driver.post(facts::vote("c", "o1", "ann", CHOICE_AGREE));
  driver.post(facts::rekeyed("c", "ann", "eve"));
  // Eve is the author now: her vote is no other's.
  CHECK(driver.told("eve") == Counts{1});
  driver.post(facts::rekeyed("c", "u0", "eve"));
  driver.votes(4, 5);
  CHECK(driver.told("eve") == Counts{1});
  driver.votes(5, 6);
  CHECK(driver.told("eve") == Counts{1, 5});
}

TEST_CASE("others count whether eligible or not, and moderation does not matter") {
  Driver driver;
  driver.post_as(facts::moderator(), facts::eligibility("c", "u0", false));
  driver.post_as(facts::moderator(), facts::moderated("c", "o1", MODERATION_HIDE));
  driver.votes(0, 5);
  CHECK(driver.told("ann") == Counts{1, 5});
}

TEST_CASE("a removed owner is no longer notified, and what they were told is erased") {
  Driver driver;
  driver.votes(0, 1);
  REQUIRE(driver.rows<Notification>("olga").size() == 1);
  driver.post_as(facts::service(), facts::removed("c", "olga"));
  driver.post(facts::opinion("c", "o2", "bob"));
  CHECK(driver.rows<Notification>("olga").empty());
  driver.post_as(facts::service(), facts::removed("c", "ann"));
  CHECK(driver.rows<Notification>().empty());
}

TEST_CASE("notifications go to whom an owner or author is rekeyed, and only this conversation's") {
  Driver driver;
  driver.vote(0);
  driver.post(facts::conversation("c2", "ann"));
  driver.post(facts::opinion("c2", "o1", "bob"));
  driver.actor = facts::service();
  driver.post(facts::rekeyed("c", "ann", "eve"));
  CHECK(driver.told("eve") == Counts{1});
  CHECK(driver.told("ann").empty());
  REQUIRE(driver.rows<Notification>("ann").size() == 1);
  CHECK(driver.rows<Notification>("ann")[0].conversation_id() == "c2");
  driver.post(facts::rekeyed("c", "olga", "eve"));
  driver.post(facts::opinion("c", "o2", "bob"));
  CHECK(driver.row<Notification>("eve", "c/o1/opinion_created") != nullptr);
  CHECK(driver.row<Notification>("eve", "c/o2/opinion_created") != nullptr);
}

TEST_CASE("notifications outlive what they are about") {
  Driver driver;
  driver.vote(0);
  driver.post_as(facts::moderator(), facts::opinion_deleted("c", "o1"));
  driver.post_as(facts::moderator(), facts::deleted("c"));
  CHECK(driver.told("ann") == Counts{1});
  CHECK(driver.rows<Notification>("olga").size() == 1);
}

}  // namespace
}  // namespace sluice
