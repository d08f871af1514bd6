#pragma once

// Random histories of a few people in two conversations, "c" and "d". A step is a number, which
// shrinks well: its digits choose the fact, whom it concerns and how it is posted. Low numbers are
// the plainest facts.

#include <initializer_list>
#include <string>

#include "tests/support/deliberation_facts.h"
#include "tests/support/deliberation_model.h"

namespace sluice::history {

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

inline std::string numbered(std::string prefix, int n) { return prefix += std::to_string(n); }

constexpr int kParticipants = 6;
constexpr int kOpinions = 4;

// A fact of which one in some hundred changes much.
inline deliberation::Event rare_fact(const std::string& id, const std::string& opinion, int who,
                                     Digits& digits) {
  const std::string participant = numbered("u", who);
  switch (digits.below(8)) {
    case 0:
      return facts::import_started(id, numbered("i", digits.below(2)));
    case 1:
    case 2:
      return facts::import_completed(id, numbered("i", digits.below(2)));
    case 3:
      return facts::conversation(id, participant, deliberation::Participation(digits.below(3)),
                                 {"o0", "o1"});
    case 4:
      return facts::removed(id, participant);
    case 5: {
      const int other = 1 + digits.below(kParticipants - 1);
      return facts::rekeyed(id, participant, numbered("u", (who + other) % kParticipants));
    }
    case 6:
      return digits.once_in(8) ? facts::deleted(id) : facts::opinion_deleted(id, opinion);
    default:
      return facts::opinion_deleted(id, opinion);
  }
}

inline deliberation::Event edited(const std::string& id, Digits& digits) {
  deliberation::Event event;
  auto& fact = *event.mutable_conversation_edited();
  fact.set_conversation_id(id);
  if (digits.below(2) == 0) fact.set_title(digits.once_in(2) ? "title" : "other");
  if (digits.below(2) == 0) fact.set_indexed(digits.below(4) != 0);
  if (digits.once_in(4)) fact.set_participation(deliberation::Participation(digits.below(3)));
  return event;
}

inline deliberation::Event any_fact(Digits& digits) {
  using namespace deliberation;
  const std::string id = digits.once_in(5) ? "d" : "c";
  const int kind = digits.below(32);
  const std::string opinion = numbered("o", digits.below(kOpinions));
  const int who = digits.below(kParticipants);
  const std::string participant = numbered("u", who);
  if (kind < 14) {
    return facts::vote(id, opinion, participant,
                       digits.one_of({CHOICE_AGREE, CHOICE_DISAGREE, CHOICE_PASS, CHOICE_NONE}));
  }
  if (kind < 17) {
    const std::string body = digits.once_in(8) ? "other" : "body";
    const bool auto_vote = digits.below(2) == 0;
    return facts::opinion(id, opinion, participant, {body, auto_vote, digits.once_in(4)});
  }
  if (kind < 20) {
    const auto state = digits.one_of({MODERATION_NONE, MODERATION_MOVE, MODERATION_HIDE});
    return facts::moderated(id, opinion, state, digits.once_in(2) ? "why" : "");
  }
  if (kind < 23) return facts::eligibility(id, participant, digits.below(2) == 0);
  switch (kind) {
    case 23:
      return facts::meta(id, opinion, digits.below(2) == 0);
    case 24:
      return digits.once_in(3) ? facts::closed(id) : facts::reopened(id);
    case 25:
      return digits.once_in(3) ? facts::locked(id) : facts::unlocked(id);
    case 26:
    case 27:
      return edited(id, digits);
    default:
      return rare_fact(id, opinion, who, digits);
  }
}

inline DeliberationModel::Posted posted(std::uint64_t step, std::int64_t now) {
  Digits digits(step);
  DeliberationModel::Posted posted;
  posted.event = any_fact(digits);
  const auto role = digits.one_of(
      {Actor::ROLE_SERVICE, Actor::ROLE_MODERATOR, Actor::ROLE_MODERATOR, Actor::ROLE_PARTICIPANT});
  const auto level =
      digits.one_of({Actor::LEVEL_VERIFIED, Actor::LEVEL_ACCOUNT, Actor::LEVEL_GUEST});
  posted.actor = facts::actor(digits.one_of<std::string>({"u0", "u1", ""}), level, role);
  posted.recorded_at = now;
  if (digits.once_in(2)) posted.occurred_at = now - 3 + digits.below(5);
  return posted;
}

// What a history of "c" begins with.
inline DeliberationModel::Posted opening(std::size_t number, std::int64_t now) {
  const auto participation = deliberation::Participation(number % 8 < 6 ? 0 : number % 8 - 5);
  deliberation::Event event = facts::conversation("c", "u0", participation, {"o0"});
  event.mutable_conversation_created()->set_indexed(number % 3 != 0);
  return {event, facts::service(), now, {}};
}

}  // namespace sluice::history
