// Deliberation and people on each other's derived facts, in every order that two logs can have:
// when everything has arrived, nothing is left of a deleted person, and nothing under the name of
// a person who was merged into another.

#include "people/events.pb.h"
#include "schemas/descriptors/rules.h"

#include <rapidcheck.h>

#include <array>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "projectors/deliberation/projection.h"
#include "projectors/people/projection.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

constexpr int kUsers = 5;
constexpr int kConversations = 2;

std::string user(std::uint64_t n) { return "u" + std::to_string(n % kUsers); }
std::string conversation(std::uint64_t n) { return "c" + std::to_string(n % kConversations); }

// The partitions of the two domains, each with a log that is folded when somebody comes to it.
class Together {
 public:
  Together() {
    for (auto& partition : deliberation_) partition.actor = facts::service();
    for (auto& partition : people_) partition.actor = facts::service();
    for (std::uint64_t c = 0; c < kConversations; ++c) {
      say(facts::conversation(conversation(c), user(c)));
      for (std::uint64_t o = 0; o < 2; ++o) {
        say(facts::opinion(conversation(c), opinion(o), user(c + o)));
      }
    }
  }

  void vote(std::uint64_t c, std::uint64_t o, std::uint64_t u, deliberation::Choice choice) {
    say(facts::vote(conversation(c), opinion(o), user(u), choice));
  }
  void remove(std::uint64_t u) {
    people::Event event;
    event.mutable_user_deleted()->set_user_id(user(u));
    say(event);
  }
  void merge(std::uint64_t u, std::uint64_t into) {
    people::Event event;
    event.mutable_user_merged()->set_user_id(user(u));
    event.mutable_user_merged()->set_into(user(into));
    say(event);
  }

  // A number is a step: a fact is posted, or one of a log is folded.
  void step(std::uint64_t number) {
    const std::uint64_t what = number % 16;
    const std::uint64_t rest = number / 16;
    if (what < 4) {
      vote(rest, rest / 2, rest / 8, static_cast<deliberation::Choice>(rest / 64 % 4));
    } else if (what == 4) {
      say(facts::opinion(conversation(rest), opinion(2 + rest / 16), user(rest / 2),
                         {"body", rest % 3 == 0, false}));
    } else if (what == 5) {
      remove(rest);
    } else if (what == 6) {
      merge(rest, rest + 1 + rest / kUsers % (kUsers - 1));
    } else if (what < 12) {
      fold_conversations(rest % 2);
    } else {
      fold_users(rest % 2);
    }
  }

  void finish() {
    while (!conversations_[0].empty() || !conversations_[1].empty() || !users_[0].empty() ||
           !users_[1].empty()) {
      for (const std::size_t partition : {0, 1}) {
        fold_conversations(partition);
        fold_users(partition);
      }
    }
  }

  void require_consistent() {
    std::map<std::string, people::Person> gone;
    for (auto& partition : people_) {
      for (const auto& person : partition.rows<people::Person>()) gone[person.user_id()] = person;
    }
    const auto require_there = [&](const std::string& id) { RC_ASSERT(!gone.contains(id)); };
    std::set<std::pair<std::string, std::string>> parts;
    for (std::uint64_t c = 0; c < kConversations; ++c) {
      const std::string id = conversation(c);
      auto& deliberation = deliberation_[partition_of(id)];
      for (const auto& ballot : deliberation.rows<deliberation::Ballot>(id)) {
        require_there(ballot.participant_id());
        parts.emplace(ballot.participant_id(), id);
      }
      for (const auto& opinion : deliberation.rows<deliberation::Opinion>(id)) {
        require_there(opinion.author_id());
        parts.emplace(opinion.author_id(), id);
      }
      // A removed owner stays named, a merged one does not.
      const std::string& owner = deliberation.row<deliberation::Conversation>(id)->owner_id();
      const auto found = gone.find(owner);
      RC_ASSERT(found == gone.end() || ends_in_nobody(gone, owner));
    }
    // People knows every person with a row in deliberation, and remembers none who is gone.
    for (const auto& [participant, id] : parts) {
      auto& people = people_[partition_of(participant)];
      RC_ASSERT(people.row<people::Participation>(participant, id) != nullptr);
    }
    for (auto& partition : people_) {
      for (const auto& participation : partition.rows<people::Participation>()) {
        require_there(participation.user_id());
      }
    }
  }

 private:
  static std::string opinion(std::uint64_t n) { return "o" + std::to_string(n % 4); }

  // Deleted, merged into one who was, or merged in a circle.
  static bool ends_in_nobody(const std::map<std::string, people::Person>& gone, std::string id) {
    for (int i = 0; i <= kUsers; ++i) {
      const auto person = gone.find(id);
      if (person == gone.end()) return false;
      if (person->second.status() == people::USER_STATUS_DELETED) return true;
      id = person->second.into();
    }
    return true;
  }

  // By the number that ids end in.
  static std::size_t partition_of(const std::string& id) {
    return static_cast<std::size_t>(id.back() - '0') % 2;
  }
  void say(const deliberation::Event& event) {
    conversations_[partition_of(std::string(key_of(event)))].push_back(event);
  }
  void say(const people::Event& event) {
    users_[partition_of(std::string(key_of(event)))].push_back(event);
  }
  template <class Partition, class Event>
  void fold(Partition& partition, std::deque<Event>& log) {
    if (log.empty()) return;
    partition.post(log.front());
    log.pop_front();
    // As the streams are appended to: none before what was emitted before.
    for (const auto& event : partition.template emitted<deliberation::Event>()) say(event);
    for (const auto& event : partition.template emitted<people::Event>()) say(event);
  }

 public:
  void fold_conversations(std::size_t partition) {
    fold(deliberation_[partition], conversations_[partition]);
  }
  void fold_users(std::size_t partition) { fold(people_[partition], users_[partition]); }

  // Of the user in the conversation; null when there is none.
  const deliberation::Ballot* ballot(std::uint64_t c, std::uint64_t u) {
    const std::string id = conversation(c);
    return deliberation_[partition_of(id)].row<deliberation::Ballot>(id, user(u));
  }

 private:
  std::array<FoldDriver<Deliberation>, 2> deliberation_;
  std::array<FoldDriver<People>, 2> people_;
  std::array<std::deque<deliberation::Event>, 2> conversations_;
  std::array<std::deque<people::Event>, 2> users_;
};

}  // namespace

TEST_CASE("in whichever order deletions, merges, votes and what is told of them are folded") {
  using Steps = std::vector<std::uint64_t>;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    // Every round begins at the same seed.
    const std::uint64_t salt = static_cast<std::uint64_t>(round) * 0x9e3779b97f4a7c15u;
    CHECK(rc::check("nothing is left of whoever is gone, round " + std::to_string(round), [&] {
      const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
      const Steps steps = *rc::gen::resize(120, rc::gen::container<Steps>(step));
      Together together;
      for (const std::uint64_t number : steps) together.step(number ^ salt);
      together.finish();
      together.require_consistent();
    }));
  }
}

TEST_CASE("a vote in flight while its user is deleted does not bring them back") {
  Together together;
  together.remove(4);
  together.fold_users(0);
  together.vote(0, 0, 4, deliberation::CHOICE_AGREE);
  for (int i = 0; i < 4; ++i) together.fold_conversations(0);
  CHECK(together.ballot(0, 4) != nullptr);  // nobody has told it yet
  together.finish();
  CHECK(together.ballot(0, 4) == nullptr);
  together.require_consistent();
}

TEST_CASE("votes of merged users come to whoever is left, in whichever order merges are folded") {
  Together together;
  together.vote(0, 0, 2, deliberation::CHOICE_AGREE);
  together.vote(0, 1, 3, deliberation::CHOICE_PASS);
  together.finish();
  together.merge(2, 3);
  together.merge(3, 4);
  const int first = GENERATE(0, 1);
  // One partition of people is folded to its end before the other begins.
  for (const int partition : {first, 1 - first}) {
    for (int i = 0; i < 4; ++i) together.fold_users(static_cast<std::size_t>(partition));
  }
  together.finish();
  REQUIRE(together.ballot(0, 4) != nullptr);
  CHECK(together.ballot(0, 4)->vote_count() == 2);
  CHECK(together.ballot(0, 3) == nullptr);
  together.require_consistent();
}

}  // namespace sluice
