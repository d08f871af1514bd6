// The fold against the model, after every fact of random histories.

#include "projectors/deliberation/projection.h"
#include "schemas/descriptors/rules.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "people/events.pb.h"
#include "projectors/deliberation/id_lines.h"
#include "tests/support/deliberation_history.h"
#include "tests/support/fold_driver.h"
#include "tests/support/same_rows.h"

namespace sluice {
namespace {

using namespace deliberation;
using Driver = FoldDriver<Deliberation>;

// Who has a vote on which opinion, or had.
using Votes = std::set<std::pair<std::string, std::string>>;

void add_lines(const std::string& opinion_id, std::string_view participants, Votes& votes) {
  const auto add = [&](std::string_view id) { votes.emplace(opinion_id, id); };
  id_lines::for_each(participants, add);
}

// The fold's own memory: each participant stands once among the voters of each opinion that they
// have voted on; of a removed participant only the mark of the removal is left.
void require_remembered(Driver& driver, const std::string& id,
                        const DeliberationModel::Situation& now) {
  Votes voters;
  for (const OpinionStats& stats : driver.rows<OpinionStats>(id)) {
    add_lines(stats.opinion_id(), stats.voters(), voters);
  }
  for (const Voters& part : driver.rows<Voters>(id)) {
    add_lines(part.opinion_id(), part.participant_ids(), voters);
  }
  Votes votes;
  for (const auto& [participant, standing] : now.standing) {
    for (const auto& [opinion, choice] : standing) votes.emplace(opinion, participant);
  }
  for (const Ballot& ballot : driver.rows<Ballot>(id)) {
    const auto add = [&](std::string_view opinion) {
      RC_ASSERT(votes.emplace(opinion, ballot.participant_id()).second);
    };
    id_lines::for_each(ballot.withdrawn(), add);
  }
  RC_ASSERT(voters == votes);

  std::set<std::pair<std::string, std::string>> authored;
  for (const Authored& row : driver.rows<Authored>(id)) {
    authored.emplace(row.opinion_id(), row.author_id());
  }
  RC_ASSERT(authored.size() == now.opinions.size());
  for (const auto& [opinion, row] : now.opinions) {
    RC_ASSERT(authored.contains({opinion, row.author_id()}));
  }
  std::set<std::string> removed;
  for (const Participant& participant : driver.rows<Participant>(id)) {
    if (participant.removed()) removed.insert(participant.participant_id());
  }
  RC_ASSERT(removed == now.removed);
  for (const Ballot& ballot : driver.rows<Ballot>(id)) {
    RC_ASSERT(ballot.ineligible() == now.ineligible.contains(ballot.participant_id()));
  }
}

// `rows` has the fold's rows of a type.
template <class Rows>
void require_same(const Rows& rows, const std::string& id, const DeliberationModel& model) {
  const DeliberationModel::Rows expected = model.rows();
  const auto require = [&](const auto& table) {
    using Row = typename std::decay_t<decltype(table)>::value_type;
    const std::vector<Row> found = rows.template operator()<Row>();
    const auto differs = testing::difference(testing::of_conversation(found, id), table);
    if (!differs.empty()) RC_FAIL(differs);
  };
  require(expected.conversation);
  require(expected.conversation_stats);
  require(expected.opinion);
  require(expected.opinion_stats);
  require(expected.ballot);
  require(expected.notification);
  require(expected.feed);
  require(expected.import);
}

// Posts to the fold and to the model of each conversation.
class Both {
 public:
  void post(const DeliberationModel::Posted& next) {
    driver_.now = Time{std::chrono::milliseconds{next.recorded_at}};
    driver_.occurred_at.reset();
    if (next.occurred_at) driver_.occurred_at = Time{std::chrono::milliseconds{*next.occurred_at}};
    const std::string id{key_of(next.event)};
    const auto expected = models_[id].post(next);
    RC_ASSERT(std::string(driver_.post_as(next.actor, next.event)) == std::string(expected));
    require_same([&]<class Row>() { return driver_.rows<Row>(); }, id, models_[id]);
    if (models_[id].situation().conversation) {
      require_remembered(driver_, id, models_[id].situation());
    }
    for (const people::Event& fact : driver_.emitted<people::Event>()) {
      told_[fact.user_joined().conversation_id()].insert(fact.user_joined().user_id());
    }
    RC_ASSERT(told_[id] == models_[id].situation().told);
    ++facts;
    admitted += expected.empty();
  }

  // What readers then have is what the facts up to here say.
  void flush() {
    driver_.flush();
    for (const auto& [id, model] : models_) {
      require_same([&]<class Row>() { return driver_.published<Row>(); }, id, model);
    }
  }
  // The fold goes on with what the store has.
  void restart() {
    flush();
    driver_.restart();
  }

  std::size_t facts = 0;
  std::size_t admitted = 0;

 private:
  Driver driver_;
  std::map<std::string, DeliberationModel> models_;
  std::map<std::string, std::set<std::string>> told_;
};

constexpr int kLongest = 200;

// Of every length up to the longest, from steps of all digits.
std::vector<std::uint64_t> any_history() {
  using Steps = std::vector<std::uint64_t>;
  const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
  return *rc::gen::resize(kLongest, rc::gen::container<Steps>(step));
}

// rapidcheck tries 100 histories a round.
int rounds() {
  const char* histories = std::getenv("SLUICE_HISTORIES");
  return histories == nullptr ? 12 : std::max(1, std::atoi(histories) / 100);
}

TEST_CASE("after every fact of a random history the rows are what the model says") {
  std::size_t facts = 0;
  std::size_t admitted = 0;
  const auto holds = [&](const std::vector<std::uint64_t>& steps) {
    Both both;
    std::int64_t now = 1000;
    both.post(history::opening(steps.size(), now));
    for (const std::uint64_t step : steps) {
      if (step >> 60 == 15) both.restart();
      if (step >> 60 >= 13) both.flush();
      both.post(history::posted(step, ++now));
    }
    both.flush();
    facts += both.facts;
    admitted += both.admitted;
  };
  for (int round = 0; round < rounds(); ++round) {
    // Every round begins at the same seed.
    const std::uint64_t salt = static_cast<std::uint64_t>(round) * 0x9e3779b97f4a7c15u;
    CHECK(rc::check(history::numbered("the fold is the model, round ", round), [&] {
      std::vector<std::uint64_t> steps = any_history();
      for (std::uint64_t& step : steps) step ^= salt;
      holds(steps);
    }));
  }
  CHECK(facts >= 100'000);
  CHECK(admitted > facts / 4);
}

}  // namespace
}  // namespace sluice
