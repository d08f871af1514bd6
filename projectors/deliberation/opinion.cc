#include "projectors/deliberation/clustering.h"
#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"

namespace sluice {
namespace {

using deliberation::ConversationStats;
using deliberation::Gate;
using deliberation::Moderation;
using deliberation::Opinion;
using deliberation::OpinionCreated;
using deliberation::OpinionDeleted;
using deliberation::OpinionMarkedMeta;
using deliberation::OpinionModerated;
using deliberation::OpinionStats;

bool same(const Opinion& opinion, const OpinionCreated& fact) {
  return opinion.author_id() == fact.author_id() && opinion.body() == fact.body() &&
         opinion.is_seed() == fact.is_seed();
}

// The conversation has one opinion more (1) or less (-1) in this state.
void count_opinion(Moderation state, int change, ConversationStats& stats) {
  switch (state) {
    case deliberation::MODERATION_MOVE:
      return stats.set_moderated_opinion_count(stats.moderated_opinion_count() + change);
    case deliberation::MODERATION_HIDE:
      return stats.set_hidden_opinion_count(stats.hidden_opinion_count() + change);
    default:  // none; the enum is open, but other numbers meet no rule
      return stats.set_opinion_count(stats.opinion_count() + change);
  }
}

}  // namespace

void Deliberation::create(const OpinionCreated& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  const ConversationStats* conversation = conversation_stats_.find(id);
  if (conversation == nullptr) return effects.reject("conversation.unknown");
  const Gate& gate = conversation->gate();
  if (const auto reason = refuse_part(*conversation, fact.author_id(), record.actor);
      !reason.empty()) {
    return effects.reject(reason);
  }
  if (const Opinion* existing = opinions_.find(id, fact.opinion_id())) {
    if (!same(*existing, fact)) effects.reject("opinion.exists");
    return;
  }

  const Time at = counted_time(gate, record);
  ConversationStats& stats = react(*conversation, at);
  Opinion& opinion = add_opinion(id, fact.opinion_id(), fact.author_id(), at, stats);
  opinion.set_body(fact.body());
  opinion.set_is_seed(fact.is_seed());
  if (fact.auto_vote() && !fact.is_seed()) {
    ballot_box_.cast(opinion_stats_.edit(id, fact.opinion_id()),
                     {fact.author_id(), deliberation::CHOICE_AGREE, at}, stats);
  }
  feed_.count(stats);
  if (importing(stats.gate())) return;
  tell_of(id, fact.author_id(), effects);
  if (!fact.is_seed()) notify_owner(opinion, stats, at);
}

void Deliberation::notify_owner(const Opinion& opinion, const ConversationStats& stats, Time at) {
  const std::string& owner = conversations_.find(opinion.conversation_id())->owner_id();
  if (owner == opinion.author_id() || is_removed(stats, owner)) return;
  notifications_.opinion_created(owner, opinion, at);
}

Opinion& Deliberation::add_opinion(const std::string& conversation_id,
                                   const std::string& opinion_id, const std::string& author_id,
                                   Time at, ConversationStats& stats) {
  OpinionStats& votes = opinion_stats_.make(conversation_id, opinion_id);
  votes.set_author_id(author_id);
  votes.set_number(next_opinion(*stats.mutable_math()));
  (void)authored_.make(conversation_id, author_id, opinion_id);
  Opinion& opinion = opinions_.make(conversation_id, opinion_id);
  opinion.set_author_id(author_id);
  opinion.set_created_at(at.time_since_epoch().count());
  stats.set_total_opinion_count(stats.total_opinion_count() + 1);
  count_opinion(deliberation::MODERATION_NONE, 1, stats);
  return opinion;
}

void Deliberation::remove(const OpinionDeleted& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_all(id); !reason.empty()) return effects.reject(reason);
  const Opinion* opinion = opinions_.find(id, fact.opinion_id());
  if (opinion == nullptr) return effects.reject("opinion.unknown");
  if (!moderates(record.actor) && !owns(record.actor, opinion->author_id())) {
    return effects.reject("actor.not_allowed");
  }
  if (opinion->status() == deliberation::OPINION_STATUS_DELETED) return;

  ConversationStats& stats = conversation_stats_.edit(id);
  OpinionStats& votes = opinion_stats_.edit(id, fact.opinion_id());
  take_out(*opinion, votes, stats);
  votes.set_deleted(true);
  opinions_.edit(id, fact.opinion_id()).set_status(deliberation::OPINION_STATUS_DELETED);
  clustering_.change_math(stats);
  feed_.count(stats);
}

void Deliberation::take_out(const Opinion& opinion, OpinionStats& votes, ConversationStats& stats) {
  ballot_box_.take_off(votes, stats);
  stats.set_total_opinion_count(stats.total_opinion_count() - 1);
  count_opinion(opinion.moderation(), -1, stats);
}

void Deliberation::forget_opinion(const std::string& conversation_id, const std::string& opinion_id,
                                  ConversationStats& stats) {
  const Opinion& opinion = *opinions_.find(conversation_id, opinion_id);
  if (opinion.status() == deliberation::OPINION_STATUS_LIVE) {
    take_out(opinion, opinion_stats_.edit(conversation_id, opinion_id), stats);
  }
  authored_.erase(conversation_id, std::string(opinion.author_id()), opinion_id);
  opinions_.erase(conversation_id, opinion_id);
  opinion_stats_.erase(conversation_id, opinion_id);
}

std::string_view Deliberation::refuse_moderating(const std::string& conversation_id,
                                                 const std::string& opinion_id,
                                                 const Actor& actor) const {
  if (const auto reason = refuse_all(conversation_id); !reason.empty()) return reason;
  const Opinion* opinion = opinions_.find(conversation_id, opinion_id);
  if (opinion == nullptr) return "opinion.unknown";
  if (!moderates(actor)) return "actor.not_allowed";
  if (opinion->status() == deliberation::OPINION_STATUS_DELETED) return "opinion.deleted";
  return {};
}

void Deliberation::moderate(const OpinionModerated& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_moderating(id, fact.opinion_id(), record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  Opinion& opinion = opinions_.edit(id, fact.opinion_id());
  const Moderation before = opinion.moderation();
  opinion.set_moderation(fact.state());
  opinion.set_moderation_reason(fact.reason());
  if (before == fact.state()) return;

  ConversationStats& stats = conversation_stats_.edit(id);
  count_opinion(before, -1, stats);
  count_opinion(fact.state(), 1, stats);
  OpinionStats& votes = opinion_stats_.edit_unshown(id, fact.opinion_id());
  votes.set_moderation(fact.state());
  const bool counted = fact.state() == deliberation::MODERATION_NONE;
  if (counted != (before == deliberation::MODERATION_NONE)) {
    ballot_box_.count_votes_on(votes, counted, stats);
    clustering_.change_math(stats);
  }
  feed_.count(stats);
}

void Deliberation::mark_meta(const OpinionMarkedMeta& fact, const Record& record,
                             Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_moderating(id, fact.opinion_id(), record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (opinions_.find(id, fact.opinion_id())->is_meta() == fact.meta()) return;
  opinions_.edit(id, fact.opinion_id()).set_is_meta(fact.meta());
  opinion_stats_.edit_unshown(id, fact.opinion_id()).set_is_meta(fact.meta());
  clustering_.change_math(conversation_stats_.edit_unshown(id));
}

}  // namespace sluice
