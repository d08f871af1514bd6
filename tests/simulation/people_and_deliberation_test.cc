// Deliberation and people on each other's derived facts, in every order that two logs can have:
// when everything has arrived, nothing is left of whoever was deleted, and nothing under the name
// of whoever was merged.

#include "people/events.pb.h"

#include <rapidcheck.h>

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

// The logs of the two domains, each folded when somebody comes to it.
class Together {
 public:
  Together() {
    deliberation_.actor = facts::service();
    people_.actor = facts::service();
    for (int c = 0; c < kConversations; ++c) {
      conversations_.push_back(facts::conversation(conversation(c), user(c)));
      for (int o = 0; o < 2; ++o) {
        conversations_.push_back(facts::opinion(conversation(c), opinion(o), user(c + o)));
      }
    }
  }

  // A number is a step: a fact is posted, or one of a log is folded.
  void step(std::uint64_t number) {
    const std::uint64_t what = number % 16;
    const std::uint64_t rest = number / 16;
    if (what < 4) {
      const auto choice = static_cast<deliberation::Choice>(rest / 64 % 4);
      conversations_.push_back(
          facts::vote(conversation(rest), opinion(rest / 2), user(rest / 8), choice));
    } else if (what == 4) {
      conversations_.push_back(facts::opinion(conversation(rest), opinion(2 + rest / 16),
                                              user(rest / 2), {"body", rest % 3 == 0, false}));
    } else if (what == 5) {
      people::Event event;
      event.mutable_user_deleted()->set_user_id(user(rest));
      users_.push_back(event);
    } else if (what == 6) {
      people::Event event;
      event.mutable_user_merged()->set_user_id(user(rest));
      event.mutable_user_merged()->set_into(user(rest + 1 + rest / kUsers % (kUsers - 1)));
      users_.push_back(event);
    } else if (what < 12) {
      fold_conversations();
    } else {
      fold_users();
    }
  }

  void finish() {
    while (!conversations_.empty() || !users_.empty()) {
      fold_conversations();
      fold_users();
    }
  }

  void require_consistent() {
    std::map<std::string, people::Person> gone;
    for (const auto& person : people_.rows<people::Person>()) gone[person.user_id()] = person;
    const auto require_there = [&](const std::string& id) { RC_ASSERT(!gone.contains(id)); };
    std::set<std::pair<std::string, std::string>> parts;
    for (int c = 0; c < kConversations; ++c) {
      const std::string id = conversation(c);
      for (const auto& ballot : deliberation_.rows<deliberation::Ballot>(id)) {
        require_there(ballot.participant_id());
        parts.emplace(ballot.participant_id(), id);
      }
      for (const auto& opinion : deliberation_.rows<deliberation::Opinion>(id)) {
        require_there(opinion.author_id());
        parts.emplace(opinion.author_id(), id);
      }
      // A removed owner stays named, a merged one does not.
      const std::string& owner = deliberation_.row<deliberation::Conversation>(id)->owner_id();
      const auto found = gone.find(owner);
      RC_ASSERT(found == gone.end() || ends_in_nobody(gone, owner));
    }
    // People knows of everybody of whom there is something, and remembers nobody who is gone.
    for (const auto& [participant, id] : parts) {
      RC_ASSERT(people_.row<people::Participation>(participant, id) != nullptr);
    }
    for (const auto& participation : people_.rows<people::Participation>()) {
      require_there(participation.user_id());
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

  void fold_conversations() {
    if (conversations_.empty()) return;
    deliberation_.post(conversations_.front());
    conversations_.pop_front();
    for (const auto& event : deliberation_.emitted<people::Event>()) users_.push_back(event);
  }
  void fold_users() {
    if (users_.empty()) return;
    people_.post(users_.front());
    users_.pop_front();
    for (const auto& event : people_.emitted<deliberation::Event>()) {
      conversations_.push_back(event);
    }
  }

  FoldDriver<Deliberation> deliberation_;
  FoldDriver<People> people_;
  std::deque<deliberation::Event> conversations_;
  std::deque<people::Event> users_;
};

}  // namespace

TEST_CASE("in whichever order deletions, merges, votes and what is told of them are folded") {
  using Steps = std::vector<std::uint64_t>;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    CHECK(rc::check("nothing is left of whoever is gone, round " + std::to_string(round), [] {
      const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
      const Steps steps = *rc::gen::resize(120, rc::gen::container<Steps>(step));
      Together together;
      for (const std::uint64_t number : steps) together.step(number);
      together.finish();
      together.require_consistent();
    }));
  }
}

TEST_CASE("a vote in flight while its user is deleted does not bring them back") {
  Together together;
  together.step(5 + 16 * 4);                     // u4 is deleted
  together.step(12);                             // which people folds
  together.step(0 + 16 * (8 * 4 + 64));          // u4 agrees in c0, not knowing
  for (int i = 0; i < 7; ++i) together.step(7);  // which deliberation folds, and tells people
  together.finish();
  together.require_consistent();
}

}  // namespace sluice
