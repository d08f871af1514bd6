#include "tools/simulate/deliberation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/base/check.h"
#include "tools/simulate/deliberation_ids.h"

namespace sluice::simulate {
namespace {

using namespace deliberation;

// What people write is made of.
constexpr std::array<const char*, 24> kWords{
    "the",      "city",   "should", "more",    "buses",  "not",   "parks", "cost",
    "children", "never",  "rent",   "water",   "people", "every", "night", "safe",
    "trees",    "school", "and",    "because", "we",     "need",  "quiet", "streets"};

}  // namespace

DeliberationShape DeliberationShape::benchmark() {
  DeliberationShape shape;
  shape.administered_per_mille = 0;
  shape.prose = false;
  return shape;
}

DeliberationTraffic::DeliberationTraffic(std::uint64_t seed, const DeliberationShape& shape)
    : shape_(shape), run_(numbered("s", seed) += '-'), random_(seed) {
  CHECK(shape.conversations > 0 && shape.participants > 0 && shape.visits_at_once > 0 &&
            shape.seeds > 0,
        "there is something to vote on and somebody who votes");
}

std::optional<DeliberationTraffic::Fact> DeliberationTraffic::next() {
  if (votes_ >= shape_.votes) return std::nullopt;
  if (conversations_.size() < static_cast<std::size_t>(shape_.conversations)) {
    return create_conversation();
  }
  if (!imported_.empty()) {
    Fact made = std::move(imported_.front());
    imported_.pop_front();
    return made;
  }
  if (!planned_.empty() && random_.per_mille(shape_.moderated_per_mille)) {
    if (auto made = moderate()) return made;
  }
  if (shape_.administered_per_mille > 0 && random_.per_mille(shape_.administered_per_mille)) {
    if (auto made = administer()) return made;
  }

  while (visits_.size() < static_cast<std::size_t>(shape_.visits_at_once)) {
    visits_.push_back(begin_visit());
  }
  Visit& visit = visits_[random_.below(visits_.size())];
  if (!may_go_on(visit)) visit = begin_visit();
  const int left = visit.opinions_left + visit.votes_left;
  Fact made = random_.between(1, left) <= visit.opinions_left ? write_opinion(visit) : vote(visit);
  if (visit.opinions_left + visit.votes_left == 0) visit = begin_visit();
  return made;
}

bool DeliberationTraffic::may_go_on(const Visit& visit) const {
  const Conversation& conversation = conversations_[visit.conversation];
  return conversation.open() && !conversation.removed.contains(visit.participant_id);
}

DeliberationTraffic::Fact DeliberationTraffic::fact(const std::string& key) {
  Fact made;
  made.id = run_ + std::to_string(posted_++);
  made.key = key;
  return made;
}

DeliberationTraffic::Fact DeliberationTraffic::create_conversation() {
  const std::string id = conversation_id(conversations_.size());
  Fact made = fact(id);
  auto& data = *made.event.mutable_conversation_created();
  data.set_conversation_id(id);
  data.set_slug(id);
  data.set_owner_id(owner_id(conversations_.size()));
  data.set_title(numbered("Conversation ", conversations_.size()));
  data.set_body("What should be done about it?");
  data.set_kind("poll");
  data.set_indexed(true);
  data.set_participation(PARTICIPATION_GUEST);
  for (int i = 0; i < shape_.seeds; ++i) {
    auto& seed = *data.add_seeds();
    seed.set_opinion_id(opinion_id(static_cast<std::size_t>(i)));
    seed.set_body(numbered("Something should be done, says seed ", static_cast<std::size_t>(i)));
  }
  made.actor.set_id(data.owner_id());
  made.actor.set_level(Actor::LEVEL_ACCOUNT);
  Conversation& conversation = conversations_.emplace_back();
  conversation.opinions.assign(static_cast<std::size_t>(shape_.seeds), Opinion{data.owner_id()});
  return made;
}

DeliberationTraffic::Visit DeliberationTraffic::begin_visit() {
  Visit visit;
  do {
    visit.conversation = zipf_.rank(conversations_.size(), random_);
    visit.participant_id =
        numbered("p", random_.below(static_cast<std::size_t>(shape_.participants)));
  } while (!may_go_on(visit));
  visit.votes_left = random_.between(10, 20);
  visit.opinions_left = random_.between(1, 3);
  return visit;
}

std::string DeliberationTraffic::opinion_body(std::size_t number) {
  if (!shape_.prose) {
    return numbered("An opinion of about the usual length, which is this, number ", number);
  }
  // Most are a sentence, few a paragraph.
  std::size_t words = 4 + random_.below(12);
  if (random_.per_mille(50)) words *= 8;
  std::string body;
  for (; words > 0; --words) {
    if (!body.empty()) body += ' ';
    body += kWords[random_.below(kWords.size())];
  }
  return body;
}

DeliberationTraffic::Fact DeliberationTraffic::write_opinion(Visit& visit) {
  auto& opinions = conversations_[visit.conversation].opinions;
  const std::size_t number = opinions.size();
  opinions.push_back({visit.participant_id});
  --visit.opinions_left;
  visit.voted.push_back(number);
  plan_moderation(visit.conversation, number);

  Fact made = fact(conversation_id(visit.conversation));
  auto& data = *made.event.mutable_opinion_created();
  data.set_conversation_id(made.key);
  data.set_opinion_id(opinion_id(number));
  data.set_author_id(visit.participant_id);
  data.set_body(opinion_body(number));
  data.set_auto_vote(true);
  data.set_is_seed(false);
  made.actor.set_id(visit.participant_id);
  return made;
}

std::size_t DeliberationTraffic::choose_opinion(Visit& visit) {
  // The busiest opinions are soon voted on: then the next that is not.
  const auto& opinions = conversations_[visit.conversation].opinions;
  std::size_t number = zipf_.rank(opinions.size(), random_);
  const auto voted = [&] {
    return std::find(visit.voted.begin(), visit.voted.end(), number) != visit.voted.end();
  };
  for (std::size_t tries = 0; tries < opinions.size() && (voted() || !opinions[number].live);
       ++tries) {
    number = (number + 1) % opinions.size();
  }
  // A participant who has voted on every opinion votes again; the first seed is never deleted.
  if (!opinions[number].live) number = 0;
  visit.voted.push_back(number);
  return number;
}

DeliberationTraffic::Fact DeliberationTraffic::vote(Visit& visit) {
  ++votes_;
  --visit.votes_left;
  Fact made = fact(conversation_id(visit.conversation));
  auto& data = *made.event.mutable_vote_set();
  data.set_conversation_id(made.key);
  data.set_participant_id(visit.participant_id);
  made.actor.set_id(visit.participant_id);

  bool changed = !visit.voted.empty() && random_.per_mille(shape_.changed_per_mille);
  std::size_t number = changed ? visit.voted[random_.below(visit.voted.size())] : 0;
  if (changed && !conversations_[visit.conversation].opinions[number].live) changed = false;
  if (!changed) number = choose_opinion(visit);
  data.set_opinion_id(opinion_id(number));
  const int percent = random_.between(0, 99);
  data.set_choice(changed && percent < 20 ? CHOICE_NONE
                  : percent < 55          ? CHOICE_AGREE
                  : percent < 80          ? CHOICE_DISAGREE
                                          : CHOICE_PASS);
  return made;
}

void DeliberationTraffic::plan_moderation(std::size_t conversation, std::size_t opinion) {
  if (random_.per_mille(shape_.meta_per_mille)) {
    planned_.push_back({conversation, opinion, true, MODERATION_NONE});
  }
  if (!random_.per_mille(shape_.moderated_per_mille)) return;
  const auto state = random_.per_mille(500) ? MODERATION_MOVE : MODERATION_HIDE;
  planned_.push_back({conversation, opinion, false, state});
  if (random_.per_mille(200)) planned_.push_back({conversation, opinion, false, MODERATION_NONE});
}

std::optional<DeliberationTraffic::Fact> DeliberationTraffic::moderate() {
  std::swap(planned_[random_.below(planned_.size())], planned_.back());
  const Moderation planned = planned_.back();
  planned_.pop_back();
  const Conversation& conversation = conversations_[planned.conversation];
  if (conversation.deleted || !conversation.opinions[planned.opinion].live) return std::nullopt;
  Fact made = fact(conversation_id(planned.conversation));
  if (planned.meta) {
    auto& data = *made.event.mutable_opinion_marked_meta();
    data.set_conversation_id(made.key);
    data.set_opinion_id(opinion_id(planned.opinion));
    data.set_meta(true);
  } else {
    auto& data = *made.event.mutable_opinion_moderated();
    data.set_conversation_id(made.key);
    data.set_opinion_id(opinion_id(planned.opinion));
    data.set_state(planned.state);
    data.set_reason(planned.state == MODERATION_NONE ? "" : "off topic");
  }
  act_as("moderator", Actor::ROLE_MODERATOR, made);
  return made;
}

}  // namespace sluice::simulate
