// The fold against the model, after every fact of random histories.

#include "projectors/deliberation/projection.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "people/events.pb.h"
#include "projectors/deliberation/id_lines.h"
#include "schemas/sluice/row_options.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/deliberation_model.h"
#include "tests/support/fold_driver.h"

namespace sluice {
namespace {

using namespace deliberation;
using Driver = FoldDriver<Deliberation>;

// A step of a history is a number, which shrinks well; its digits choose the fact, whom it concerns
// and how it is posted. Low numbers are the plainest facts.
class Digits {
 public:
  explicit Digits(std::uint64_t step) : rest_(step) {}
  int below(int n) {
    const auto digit = static_cast<int>(rest_ % static_cast<std::uint64_t>(n));
    rest_ /= static_cast<std::uint64_t>(n);
    return digit;
  }
  bool once_in(int n) { return below(n) == n - 1; }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<int>(choices.size())));
  }

 private:
  std::uint64_t rest_;
};

std::string numbered(std::string prefix, int n) { return prefix += std::to_string(n); }

constexpr int kParticipants = 6;

Event event_of(Digits& digits) {
  const std::string id = digits.once_in(5) ? "d" : "c";
  const int kind = digits.below(26);
  const std::string opinion = numbered("o", digits.below(4));
  const int who = digits.below(kParticipants);
  const std::string participant = numbered("u", who);
  if (kind < 12) {
    return facts::vote(id, opinion, participant,
                       digits.one_of({CHOICE_AGREE, CHOICE_DISAGREE, CHOICE_PASS, CHOICE_NONE}));
  }
  switch (kind) {
    case 12:
    case 13:
    case 14: {
      const std::string body = digits.once_in(8) ? "other" : "body";
      const bool auto_vote = digits.below(2) == 0;
      return facts::opinion(id, opinion, participant, {body, auto_vote, digits.once_in(4)});
    }
    case 15:
    case 16:
    case 17: {
      const auto state = digits.one_of({MODERATION_NONE, MODERATION_MOVE, MODERATION_HIDE});
      return facts::moderated(id, opinion, state, digits.once_in(2) ? "why" : "");
    }
    case 18:
      return facts::meta(id, opinion, digits.below(2) == 0);
    case 19:
    case 20:
      return digits.once_in(4) ? facts::closed(id) : facts::reopened(id);
    case 21:
      return facts::import_started(id, numbered("i", digits.below(2)));
    case 22:
      return facts::import_completed(id, numbered("i", digits.below(2)));
    case 23:
      return facts::conversation(id, participant, Participation(digits.below(3)), {"o0", "o1"});
    case 24:
      return facts::removed(id, participant);
    case 25: {
      const int other = 1 + digits.below(kParticipants - 1);
      return facts::rekeyed(id, participant, numbered("u", (who + other) % kParticipants));
    }
  }
  return {};
}

DeliberationModel::Posted posted(std::uint64_t step, std::int64_t now) {
  Digits digits(step);
  DeliberationModel::Posted posted;
  posted.event = event_of(digits);
  const auto role = digits.one_of(
      {Actor::ROLE_SERVICE, Actor::ROLE_MODERATOR, Actor::ROLE_MODERATOR, Actor::ROLE_PARTICIPANT});
  const auto level =
      digits.one_of({Actor::LEVEL_VERIFIED, Actor::LEVEL_ACCOUNT, Actor::LEVEL_GUEST});
  posted.actor = facts::actor(digits.one_of<std::string>({"u0", "u1", ""}), level, role);
  posted.recorded_at = now;
  if (digits.once_in(2)) posted.occurred_at = now - 3 + digits.below(5);
  return posted;
}

// The votes of {"b":"agree","a":"pass"} sorted: {"a":"pass","b":"agree"}.
std::string in_order(const std::string& votes) {
  if (votes.empty()) return votes;
  std::vector<std::string> each;
  for (std::size_t at = 1; at < votes.size();) {
    const std::size_t end = std::min(votes.find(',', at), votes.size() - 1);
    each.push_back(votes.substr(at, end - at));
    at = end + 1;
  }
  std::sort(each.begin(), each.end());
  std::string text;
  for (const std::string& vote : each) text += (text.empty() ? "{" : ",") + vote;
  return text + votes.back();
}

// What readers see of a row: no more than its columns, a ballot's votes in the order of their ids.
template <class Row>
Row shown(Row row) {
  const auto* reflection = row.GetReflection();
  for (int i = 0; i < Row::descriptor()->field_count(); ++i) {
    const auto* field = Row::descriptor()->field(i);
    if (!is_column(*field)) reflection->ClearField(&row, field);
  }
  if constexpr (std::is_same_v<Row, Ballot>) row.set_votes(in_order(row.votes()));
  return row;
}

// Equal rows are equal bytes.
template <class Row>
std::string bytes(const Row& row) {
  std::string out;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  row.SerializeToCodedStream(&coded);
  coded.Trim();
  return out;
}

template <class Row>
void require_same(const Row* row, const Row& expected) {
  RC_ASSERT(row != nullptr);
  const Row found = shown(*row);
  if (bytes(found) != bytes(expected)) {
    RC_FAIL("the fold has\n" + found.DebugString() + "expected\n" + expected.DebugString());
  }
}

// Who has a vote on which opinion, or had.
using Votes = std::set<std::pair<std::string, std::string>>;

void add_lines(const std::string& opinion_id, std::string_view participants, Votes& votes) {
  const auto add = [&](std::string_view id) { votes.emplace(opinion_id, id); };
  id_lines::for_each(participants, add);
}

// The fold's own memory: everybody stands once among the voters of what they vote on or did, and of
// whoever was removed nothing is left but that they were.
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
}

void require_same(Driver& driver, const std::string& id, const DeliberationModel& model) {
  const auto now = model.situation();
  if (now.created == nullptr) {
    RC_ASSERT(driver.row<Conversation>(id) == nullptr);
    RC_ASSERT(driver.row<ConversationStats>(id) == nullptr);
    return;
  }
  Conversation conversation;
  conversation.set_conversation_id(id);
  conversation.set_owner_id(now.owner_id);
  conversation.set_title(now.created->title());
  conversation.set_participation(now.created->participation());
  conversation.set_status(now.closed ? CONVERSATION_STATUS_CLOSED : CONVERSATION_STATUS_OPEN);
  conversation.set_created_at(now.created_at);
  require_same(driver.row<Conversation>(id), conversation);
  require_same(driver.row<ConversationStats>(id), DeliberationModel::stats(now));

  RC_ASSERT(driver.rows<Opinion>(id).size() == now.opinions.size());
  RC_ASSERT(driver.rows<OpinionStats>(id).size() == now.opinions.size());
  for (const auto& [opinion_id, opinion] : now.opinions) {
    require_same(driver.row<Opinion>(id, opinion_id), opinion);
    require_same(driver.row<OpinionStats>(id, opinion_id),
                 DeliberationModel::stats(now, opinion_id));
  }
  const auto ballots = DeliberationModel::ballots(now);
  RC_ASSERT(driver.rows<Ballot>(id).size() == ballots.size());
  for (const Ballot& ballot : ballots) {
    require_same(driver.row<Ballot>(id, ballot.participant_id()), ballot);
  }
  require_remembered(driver, id, now);
}

// rapidcheck tries 100 histories a round.
constexpr int kRounds = 12;
constexpr int kLongest = 200;

// Of every length up to the longest, from steps of all digits.
std::vector<std::uint64_t> any_history() {
  using Steps = std::vector<std::uint64_t>;
  const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
  return *rc::gen::resize(kLongest, rc::gen::container<Steps>(step));
}

TEST_CASE("after every fact of a random history the rows are what the model says") {
  std::size_t facts = 0;
  std::size_t admitted = 0;
  const auto holds = [&](const std::vector<std::uint64_t>& steps) {
    Driver driver;
    std::map<std::string, DeliberationModel> models;
    std::map<std::string, std::set<std::string>> told;
    std::int64_t now = 1000;
    const auto post = [&](const DeliberationModel::Posted& next) {
      driver.now = Time{std::chrono::milliseconds{next.recorded_at}};
      driver.occurred_at.reset();
      if (next.occurred_at) driver.occurred_at = Time{std::chrono::milliseconds{*next.occurred_at}};
      const std::string id{Deliberation::key(next.event)};
      const auto expected = models[id].post(next);
      RC_ASSERT(std::string(driver.post_as(next.actor, next.event)) == std::string(expected));
      require_same(driver, id, models[id]);
      for (const people::Event& fact : driver.emitted<people::Event>()) {
        told[fact.user_joined().conversation_id()].insert(fact.user_joined().user_id());
      }
      RC_ASSERT(told[id] == models[id].situation().told);
      ++facts;
      admitted += expected.empty();
    };
    const auto participation = Participation(steps.size() % 8 < 6 ? 0 : steps.size() % 8 - 5);
    post({facts::conversation("c", "u0", participation, {"o0"}), facts::service(), now, {}});
    for (const std::uint64_t step : steps) {
      // Every now and then the fold goes on with what the store has.
      if (step >> 60 == 15) driver.restart();
      post(posted(step, ++now));
    }
  };
  for (int round = 0; round < kRounds; ++round) {
    CHECK(
        rc::check(numbered("the fold is the model, round ", round), [&] { holds(any_history()); }));
  }
  CHECK(facts >= 100'000);
  CHECK(admitted > facts / 3);
}

}  // namespace
}  // namespace sluice
