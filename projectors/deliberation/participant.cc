#include "people/events.pb.h"
#include "projectors/deliberation/ballot_votes.h"
#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"

namespace sluice {
namespace {

using deliberation::Authored;
using deliberation::Ballot;
using deliberation::ConversationStats;
using deliberation::Gate;
using deliberation::OpinionStats;
using deliberation::Participant;
using deliberation::ParticipantEligibilitySet;
using deliberation::ParticipantRekeyed;
using deliberation::ParticipantRemoved;

void tell(const std::string& conversation_id, const std::string& participant_id, Effects& effects) {
  people::Event event;
  event.mutable_user_joined()->set_user_id(participant_id);
  event.mutable_user_joined()->set_conversation_id(conversation_id);
  effects.emit(event);
}

}  // namespace

std::string_view Deliberation::refuse_concerning(const std::string& conversation_id,
                                                 const Actor& actor) const {
  if (conversation_stats_.find(conversation_id) == nullptr) return "conversation.unknown";
  if (actor.role() != Actor::ROLE_SERVICE) return "actor.not_allowed";
  return {};
}

bool Deliberation::is_removed(const ConversationStats& conversation,
                              const std::string& participant_id) const {
  if (conversation.gate().removed_participants() == 0) return false;
  const Participant* participant =
      participants_.find(conversation.conversation_id(), participant_id);
  return participant != nullptr && participant->removed();
}

std::string_view Deliberation::refuse_part(const ConversationStats& conversation,
                                           const std::string& participant_id,
                                           const Actor& actor) const {
  return refuse_participation(conversation.gate(), is_removed(conversation, participant_id), actor);
}

void Deliberation::set_eligibility(const ParticipantEligibilitySet& fact, const Record& record,
                                   Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_moderating(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  const ConversationStats& conversation = *conversation_stats_.find(id);
  const bool ineligible = !fact.eligible();
  if (ballot_box_.is_ineligible(conversation, fact.participant_id()) == ineligible ||
      is_removed(conversation, fact.participant_id())) {
    return;
  }
  participants_.edit(id, fact.participant_id()).set_ineligible(ineligible);
  ConversationStats& stats = conversation_stats_.edit(id);
  const int change = ineligible ? -1 : 1;
  Gate& gate = *stats.mutable_gate();
  gate.set_ineligible_participants(gate.ineligible_participants() - change);
  if (ballots_.find(id, fact.participant_id()) == nullptr) return;
  Ballot& ballot = ballots_.edit_unshown(id, fact.participant_id());
  ballot.set_ineligible(ineligible);
  clustering_.move_votes(ballot, stats);
  clustering_.change_math(stats);
  const std::int64_t votes = ballot.vote_count() - ballot.moderated_votes();
  stats.set_vote_count(stats.vote_count() + change * votes);
  stats.set_participant_count(stats.participant_count() + (votes > 0 ? change : 0));
  feed_.count(stats);
}

void Deliberation::remove(const ParticipantRemoved& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_concerning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (is_removed(*conversation_stats_.find(id), fact.participant_id())) return;
  ConversationStats& stats = conversation_stats_.edit(id);
  forget(fact.participant_id(), stats);
  clustering_.change_math(stats);
  feed_.count(stats);
}

void Deliberation::forget(const std::string& participant_id, ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  ballot_box_.forget(participant_id, stats);
  for (const std::string& opinion : opinions_of(id, participant_id)) {
    forget_opinion(id, opinion, stats);
  }
  notifications_.forget(participant_id, id);
  mark_removed(participant_id, stats);
}

void Deliberation::mark_removed(const std::string& participant_id, ConversationStats& stats) {
  participants_.edit(stats.conversation_id(), participant_id).set_removed(true);
  Gate& gate = *stats.mutable_gate();
  gate.set_removed_participants(gate.removed_participants() + 1);
}

std::vector<std::string> Deliberation::opinions_of(const std::string& conversation_id,
                                                   const std::string& author_id) const {
  std::vector<std::string> opinions;
  for (const Authored& authored : authored_.prefix(conversation_id, author_id)) {
    opinions.push_back(authored.opinion_id());
  }
  return opinions;
}

void Deliberation::rekey(const ParticipantRekeyed& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_concerning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  const ConversationStats& conversation = *conversation_stats_.find(id);
  if (is_removed(conversation, fact.from())) return;
  const bool nobody = is_removed(conversation, fact.into());
  ConversationStats& stats = conversation_stats_.edit(id);
  if (nobody) {
    forget(fact.from(), stats);
    clustering_.change_math(stats);
    return feed_.count(stats);
  }

  const bool voted = ballot_box_.move(fact.from(), fact.into(), stats);
  const bool wrote = move_opinions(id, fact.from(), fact.into());
  const bool owned = move_ownership(id, fact.from(), fact.into());
  notifications_.move(fact.from(), fact.into(), id);
  mark_removed(fact.from(), stats);
  clustering_.change_math(stats);
  feed_.show(*conversations_.find(id), stats);
  if (voted || wrote || owned) tell_of(id, fact.into(), effects);
}

bool Deliberation::move_opinions(const std::string& conversation_id, const std::string& from,
                                 const std::string& into) {
  const std::vector<std::string> opinions = opinions_of(conversation_id, from);
  for (const std::string& opinion : opinions) {
    authored_.erase(conversation_id, from, opinion);
    (void)authored_.edit(conversation_id, into, opinion);
    move_opinion(conversation_id, opinion, into);
  }
  return !opinions.empty();
}

void Deliberation::move_opinion(const std::string& conversation_id, const std::string& opinion_id,
                                const std::string& into) {
  opinions_.edit(conversation_id, opinion_id).set_author_id(into);
  OpinionStats& votes = opinion_stats_.edit_unshown(conversation_id, opinion_id);
  votes.set_author_id(into);
  const Ballot* own = ballots_.find(conversation_id, into);
  votes.set_author_took_side(
      own != nullptr && ballot_votes::takes_side(ballot_votes::find(own->votes(), opinion_id)));
}

bool Deliberation::move_ownership(const std::string& conversation_id, const std::string& from,
                                  const std::string& into) {
  if (conversations_.find(conversation_id)->owner_id() != from) return false;
  conversations_.edit(conversation_id).set_owner_id(into);
  return true;
}

// Authors and voters of an import are not reported. A fact that waits is judged by the state of
// now.
void Deliberation::waits(const Event&, const std::string& participant_id, Effects& effects) const {
  const std::string id(effects.key());
  const ConversationStats* stats = conversation_stats_.find(id);
  if (stats == nullptr || !importing(stats->gate())) tell(id, participant_id, effects);
}

// Not within an import: its participants are told of when they take part by themselves.
void Deliberation::tell_of_voter(Ballot& ballot, Effects& effects) {
  if (ballot.told()) return;
  ballot.set_told(true);
  tell(ballot.conversation_id(), ballot.participant_id(), effects);
}

// A person who writes or owns before they vote is reported twice, so that a first vote need not
// look for their opinions.
void Deliberation::tell_of(const std::string& conversation_id, const std::string& participant_id,
                           Effects& effects) {
  if (const Ballot* ballot = ballots_.find(conversation_id, participant_id)) {
    if (ballot->told()) return;
    ballots_.edit_unshown(conversation_id, participant_id).set_told(true);
  } else {
    const Participant* participant = participants_.find(conversation_id, participant_id);
    if (participant != nullptr && participant->told()) return;
    participants_.edit(conversation_id, participant_id).set_told(true);
  }
  tell(conversation_id, participant_id, effects);
}

}  // namespace sluice
