#include "projectors/deliberation/clustering.h"
#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::Conversation;
using deliberation::ConversationCreated;
using deliberation::ConversationDeleted;
using deliberation::ConversationEdited;
using deliberation::ConversationStats;
using deliberation::Gate;
using deliberation::ImportCompleted;
using deliberation::ImportStarted;
using deliberation::Opinion;
using deliberation::OpinionStats;

bool same_content(const Conversation& a, const Conversation& b) {
  return a.title() == b.title() && a.body() == b.body() && a.indexed() == b.indexed() &&
         a.participation() == b.participation();
}

}  // namespace

void Deliberation::create(const ConversationCreated& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (conversation_stats_.find(id) != nullptr) return effects.reject("conversation.exists");

  ConversationStats& stats = conversation_stats_.edit(id);
  stats.mutable_gate()->set_participation(fact.participation());
  stats.mutable_gate()->set_indexed(fact.indexed());
  *stats.mutable_math() = no_votes();
  Conversation& conversation = conversations_.edit(id);
  conversation.set_slug(fact.slug());
  conversation.set_owner_id(fact.owner_id());
  conversation.set_title(fact.title());
  conversation.set_body(fact.body());
  conversation.set_kind(fact.kind());
  conversation.set_status(status_of(stats.gate()));
  conversation.set_indexed(fact.indexed());
  conversation.set_participation(fact.participation());
  conversation.set_created_at(record.recorded_at.time_since_epoch().count());

  for (const ConversationCreated::Seed& seed : fact.seeds()) {
    Opinion& opinion =
        add_opinion(id, seed.opinion_id(), fact.owner_id(), record.recorded_at, stats);
    opinion.set_body(seed.body());
    opinion.set_is_seed(true);
  }
  feed_.show(conversation, stats);
  tell_of(id, fact.owner_id(), effects);
}

std::string_view Deliberation::refuse_all(const std::string& conversation_id) const {
  const ConversationStats* stats = conversation_stats_.find(conversation_id);
  if (stats == nullptr) return "conversation.unknown";
  if (stats->gate().deleted()) return "conversation.deleted";
  return {};
}

bool Deliberation::may_own(const std::string& conversation_id, const Actor& actor) const {
  return moderates(actor) || owns(actor, conversations_.find(conversation_id)->owner_id());
}

std::string_view Deliberation::refuse_owning(const std::string& conversation_id,
                                             const Actor& actor) const {
  if (const auto reason = refuse_all(conversation_id); !reason.empty()) return reason;
  return may_own(conversation_id, actor) ? std::string_view{} : "actor.not_allowed";
}

std::string_view Deliberation::refuse_moderating(const std::string& conversation_id,
                                                 const Actor& actor) const {
  if (const auto reason = refuse_all(conversation_id); !reason.empty()) return reason;
  return moderates(actor) ? std::string_view{} : "actor.not_allowed";
}

void Deliberation::edit(const ConversationEdited& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_owning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  const Conversation& held = *conversations_.find(id);
  Conversation edited = held;
  if (fact.has_title()) edited.set_title(fact.title());
  if (fact.has_body()) edited.set_body(fact.body());
  if (fact.has_indexed()) edited.set_indexed(fact.indexed());
  if (fact.has_participation()) edited.set_participation(fact.participation());
  if (same_content(held, edited)) return;

  Gate& gate = edit_gate(id);
  gate.set_indexed(edited.indexed());
  gate.set_participation(edited.participation());
  edited.set_edited_at(counted_time(gate, record).time_since_epoch().count());
  feed_.show(edited, *conversation_stats_.find(id));
  conversations_.edit(id) = std::move(edited);
}

void Deliberation::set_closed(const std::string& conversation_id, bool closed, const Record& record,
                              Effects& effects) {
  if (const auto reason = refuse_owning(conversation_id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (conversation_stats_.find(conversation_id)->gate().closed() == closed) return;
  edit_gate(conversation_id).set_closed(closed);
  show_status(conversation_id);
}

void Deliberation::set_locked(const std::string& conversation_id, bool locked, const Record& record,
                              Effects& effects) {
  if (const auto reason = refuse_moderating(conversation_id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (conversation_stats_.find(conversation_id)->gate().locked() == locked) return;
  edit_gate(conversation_id).set_locked(locked);
  show_status(conversation_id);
}

void Deliberation::remove(const ConversationDeleted& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  const ConversationStats* held = conversation_stats_.find(id);
  if (held == nullptr) return effects.reject("conversation.unknown");
  if (!may_own(id, record.actor)) return effects.reject("actor.not_allowed");
  if (held->gate().deleted()) return;
  ConversationStats& stats = conversation_stats_.edit(id);
  stats.mutable_gate()->set_deleted(true);
  empty_out(stats);
  show_status(id);
}

// Row by row rather than vote by vote: what counts them is zero in the end.
void Deliberation::empty_out(ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  for (const Opinion& opinion : opinions_.prefix(id)) {
    if (opinion.status() == deliberation::OPINION_STATUS_DELETED) continue;
    OpinionStats& votes = opinion_stats_.edit(id, opinion.opinion_id());
    voters_.erase(votes);
    votes.set_deleted(true);
    votes.set_agrees(0);
    votes.set_disagrees(0);
    votes.set_passes(0);
    votes.set_author_took_side(false);
    votes.set_ineligible_votes(0);
    opinions_.edit(id, opinion.opinion_id()).set_status(deliberation::OPINION_STATUS_DELETED);
  }
  for (const Ballot& held : ballots_.prefix(id)) {
    Ballot& ballot = ballots_.edit(id, held.participant_id());
    ballot.clear_votes();
    ballot.clear_withdrawn();
    ballot.set_vote_count(0);
    ballot.set_moderated_votes(0);
  }
  stats.set_opinion_count(0);
  stats.set_vote_count(0);
  stats.set_participant_count(0);
  stats.set_total_opinion_count(0);
  stats.set_total_vote_count(0);
  stats.set_total_participant_count(0);
  stats.set_moderated_opinion_count(0);
  stats.set_hidden_opinion_count(0);
  lose_votes(*stats.mutable_math());
  clustering_.change_math(stats);
}

Gate& Deliberation::edit_gate(const std::string& conversation_id) {
  return *conversation_stats_.edit_unshown(conversation_id).mutable_gate();
}

void Deliberation::show_status(const std::string& conversation_id) {
  const ConversationStats& stats = *conversation_stats_.find(conversation_id);
  Conversation& conversation = conversations_.edit(conversation_id);
  conversation.set_status(status_of(stats.gate()));
  feed_.show(conversation, stats);
}

void Deliberation::start_import(const ImportStarted& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_owning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (Imports::under_way(conversation_stats_.find(id)->gate(), fact.import_id())) return;
  imports_.start(fact, record.recorded_at, edit_gate(id));
}

void Deliberation::complete_import(const ImportCompleted& fact, const Record& record,
                                   Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_owning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (!Imports::under_way(conversation_stats_.find(id)->gate(), fact.import_id())) return;
  imports_.complete(fact, record.recorded_at, edit_gate(id));
}

}  // namespace sluice
