#include <algorithm>

#include "people/events.pb.h"
#include "projectors/deliberation/ballot_votes.h"
#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/id_lines.h"
#include "projectors/deliberation/projection.h"

namespace sluice {
namespace {

using deliberation::Authored;
using deliberation::Ballot;
using deliberation::Choice;
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

// `votes` stay as they are meanwhile.
template <class Visit>
void for_each_vote(const std::string& votes, Visit visit) {
  ballot_votes::Vote vote;
  for (std::size_t at = 0; ballot_votes::next(votes, at, vote);) {
    visit(std::string(vote.opinion_id), vote.choice);
  }
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

bool Deliberation::is_ineligible(const ConversationStats& conversation,
                                 const std::string& participant_id) const {
  if (conversation.gate().ineligible_participants() == 0) return false;
  const Participant* participant =
      participants_.find(conversation.conversation_id(), participant_id);
  return participant != nullptr && participant->ineligible();
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
  if (is_ineligible(conversation, fact.participant_id()) == ineligible ||
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
  move_votes(ballot, stats);
  change_math(stats);
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
  change_math(stats);
  feed_.count(stats);
}

void Deliberation::forget(const std::string& participant_id, ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  forget_ballot(participant_id, stats);
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

void Deliberation::forget_ballot(const std::string& participant_id, ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  if (ballots_.find(id, participant_id) == nullptr) return;
  Ballot& ballot = ballots_.edit(id, participant_id);
  const std::string votes = ballot.votes();
  for_each_vote(votes, [&](const std::string& opinion_id, Choice) {
    OpinionStats& opinion = opinion_stats_.edit(id, opinion_id);
    take_vote(ballot, opinion, stats);
    voters_.remove(opinion, participant_id);
  });
  const auto forget_withdrawn = [&](std::string_view opinion_id) {
    voters_.remove(opinion_stats_.edit_unshown(id, opinion_id), participant_id);
  };
  id_lines::for_each(ballot.withdrawn(), forget_withdrawn);
  if (ballot.clustered() && !ballot.ineligible()) {
    stats.mutable_math()->set_clustered(stats.math().clustered() - 1);
  }
  ballots_.erase(id, participant_id);
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
    change_math(stats);
    return feed_.count(stats);
  }

  const bool voted = move_ballot(fact.from(), fact.into(), stats);
  const bool wrote = move_opinions(id, fact.from(), fact.into());
  const bool owned = move_ownership(id, fact.from(), fact.into());
  notifications_.move(fact.from(), fact.into(), id);
  mark_removed(fact.from(), stats);
  change_math(stats);
  feed_.show(*conversations_.find(id), stats);
  if (voted || wrote || owned) tell_of(id, fact.into(), effects);
}

bool Deliberation::move_ballot(const std::string& from_id, const std::string& into_id,
                               ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  const Ballot* held = ballots_.find(id, from_id);
  if (held == nullptr) return false;
  const Ballot from = *held;
  forget_ballot(from_id, stats);

  Ballot& into = edit_ballot(into_id, stats);
  const bool voted = into.has_first_voted_at();
  into.set_first_voted_at(voted ? std::min(into.first_voted_at(), from.first_voted_at())
                                : from.first_voted_at());
  into.set_last_voted_at(voted ? std::max(into.last_voted_at(), from.last_voted_at())
                               : from.last_voted_at());
  into.set_number(voted ? std::min(into.number(), from.number()) : from.number());
  if (from.clustered() && !into.clustered()) cluster(into, stats);
  for_each_vote(from.votes(), [&](const std::string& opinion_id, Choice choice) {
    if (ballot_votes::find(into.votes(), opinion_id) != deliberation::CHOICE_NONE) return;
    give_vote(into, choice, opinion_stats_.edit(id, opinion_id), stats);
  });
  return true;
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
