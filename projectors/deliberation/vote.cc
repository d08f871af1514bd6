#include <cstdint>

#include "projectors/deliberation/ballot_votes.h"
#include "projectors/deliberation/clustering.h"
#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/id_lines.h"
#include "projectors/deliberation/projection.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::Choice;
using deliberation::ConversationStats;
using deliberation::OpinionStats;
using deliberation::VoteSet;

void tally(Choice choice, int change, OpinionStats& stats) {
  switch (choice) {
    case deliberation::CHOICE_AGREE:
      return stats.set_agrees(stats.agrees() + change);
    case deliberation::CHOICE_DISAGREE:
      return stats.set_disagrees(stats.disagrees() + change);
    case deliberation::CHOICE_PASS:
      return stats.set_passes(stats.passes() + change);
    default:  // none; the enum is open, but other numbers meet no rule
      return;
  }
}

// The participant's vote on the opinion was `before` and is `after`.
void retally(const std::string& participant_id, Choice before, Choice after, OpinionStats& stats) {
  tally(before, -1, stats);
  tally(after, 1, stats);
  if (participant_id == stats.author_id())
    stats.set_author_took_side(ballot_votes::takes_side(after));
}

// What a head count changes by when somebody's votes go from `before` to `after`.
int heads(std::int64_t before, std::int64_t after) {
  return static_cast<int>(after > 0) - static_cast<int>(before > 0);
}

}  // namespace

void Deliberation::set_vote(const VoteSet& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  const ConversationStats* conversation = conversation_stats_.find(id);
  if (conversation == nullptr) return effects.reject("conversation.unknown");
  if (const auto reason = refuse_part(*conversation, fact.participant_id(), record.actor);
      !reason.empty()) {
    return effects.reject(reason);
  }
  const OpinionStats* opinion = opinion_stats_.find(id, fact.opinion_id());
  if (opinion == nullptr) return effects.reject("opinion.unknown");
  if (opinion->deleted()) return effects.reject("opinion.deleted");

  const Time at = counted_time(conversation->gate(), record);
  const std::int64_t others = votes_of_others(*opinion);
  ConversationStats& stats = react(*conversation, at);
  Ballot* ballot = cast(*opinion, {fact.participant_id(), fact.choice(), at}, stats);
  feed_.count(stats);
  if (importing(stats.gate())) return imports_.count(stats);
  if (ballot != nullptr) tell_of_voter(*ballot, effects);
  if (votes_of_others(*opinion) > others) {
    notifications_.votes_passed(opinion_stats_.edit_found(*opinion), others, at);
  }
}

ConversationStats& Deliberation::react(const ConversationStats& conversation, Time at) {
  ConversationStats& stats = conversation_stats_.edit_found(conversation);
  const std::int64_t time = at.time_since_epoch().count();
  // Within an import times may run backwards.
  if (!stats.has_last_reacted_at() || stats.last_reacted_at() < time) {
    stats.set_last_reacted_at(time);
  }
  return stats;
}

Ballot* Deliberation::cast(const OpinionStats& opinion, const Vote& vote,
                           ConversationStats& stats) {
  const std::string& id = opinion.conversation_id();
  if (vote.choice == deliberation::CHOICE_NONE &&
      ballots_.find(id, vote.participant_id) == nullptr) {
    return nullptr;
  }
  Ballot& ballot = edit_ballot(vote.participant_id, stats);
  const std::int64_t time = vote.at.time_since_epoch().count();
  if (!ballot.has_first_voted_at()) {
    ballot.set_first_voted_at(time);
    ballot.set_number(next_ballot(*stats.mutable_math()));
  }
  ballot.set_last_voted_at(time);

  const Choice previous =
      ballot_votes::exchange(*ballot.mutable_votes(), opinion.opinion_id(), vote.choice);
  if (previous == vote.choice) return &ballot;
  OpinionStats& counted = opinion_stats_.edit_found(opinion);
  retally(vote.participant_id, previous, vote.choice, counted);
  if (previous == deliberation::CHOICE_NONE) {
    remember_voter(ballot, counted);
    count(counted, 1, ballot, stats);
  } else if (vote.choice == deliberation::CHOICE_NONE) {
    id_lines::add(*ballot.mutable_withdrawn(), opinion.opinion_id());
    count(counted, -1, ballot, stats);
  }
  change_math(stats, &ballot);
  return &ballot;
}

Ballot& Deliberation::edit_ballot(const std::string& participant_id,
                                  const ConversationStats& stats) {
  Ballot& ballot = ballots_.edit(stats.conversation_id(), participant_id);
  if (!ballot.has_first_voted_at()) ballot.set_ineligible(is_ineligible(stats, participant_id));
  return ballot;
}

Choice Deliberation::take_vote(Ballot& ballot, OpinionStats& opinion, ConversationStats& stats) {
  const Choice choice = ballot_votes::exchange(*ballot.mutable_votes(), opinion.opinion_id(),
                                               deliberation::CHOICE_NONE);
  if (choice == deliberation::CHOICE_NONE) return choice;
  retally(ballot.participant_id(), choice, deliberation::CHOICE_NONE, opinion);
  count(opinion, -1, ballot, stats);
  return choice;
}

void Deliberation::give_vote(Ballot& ballot, Choice choice, OpinionStats& opinion,
                             ConversationStats& stats) {
  ballot_votes::exchange(*ballot.mutable_votes(), opinion.opinion_id(), choice);
  retally(ballot.participant_id(), deliberation::CHOICE_NONE, choice, opinion);
  remember_voter(ballot, opinion);
  count(opinion, 1, ballot, stats);
}

void Deliberation::remember_voter(Ballot& ballot, OpinionStats& opinion) {
  if (!ballot.withdrawn().empty() &&
      id_lines::take_out(*ballot.mutable_withdrawn(), opinion.opinion_id())) {
    return;
  }
  voters_.add(opinion, ballot.participant_id());
}

void Deliberation::count(OpinionStats& opinion, int change, Ballot& ballot,
                         ConversationStats& stats) {
  const std::int64_t before = ballot.vote_count();
  const std::int64_t after = before + change;
  ballot.set_vote_count(after);
  stats.set_total_vote_count(stats.total_vote_count() + change);
  stats.set_total_participant_count(stats.total_participant_count() + heads(before, after));

  count_for_math(opinion, change, ballot, *stats.mutable_math());

  const std::int64_t moderated = ballot.moderated_votes();
  if (opinion.moderation() != deliberation::MODERATION_NONE) {
    return ballot.set_moderated_votes(moderated + change);
  }
  if (ballot.ineligible()) return;
  stats.set_vote_count(stats.vote_count() + change);
  stats.set_participant_count(stats.participant_count() +
                              heads(before - moderated, after - moderated));
}

void Deliberation::count_votes_on(const OpinionStats& opinion, bool counted,
                                  ConversationStats& stats) {
  const int change = counted ? 1 : -1;
  const std::string& id = opinion.conversation_id();
  voters_.for_each(opinion, [&](std::string_view participant_id) {
    const Ballot* held = ballots_.find(id, participant_id);
    CHECK(held != nullptr, "ballots stay when their votes are withdrawn");
    if (ballot_votes::find(held->votes(), opinion.opinion_id()) == deliberation::CHOICE_NONE) {
      return;
    }
    Ballot& ballot = ballots_.edit_unshown(id, participant_id);
    const std::int64_t before = ballot.vote_count() - ballot.moderated_votes();
    ballot.set_moderated_votes(ballot.moderated_votes() - change);
    if (ballot.ineligible()) return;
    stats.set_vote_count(stats.vote_count() + change);
    stats.set_participant_count(stats.participant_count() + heads(before, before + change));
  });
}

}  // namespace sluice
