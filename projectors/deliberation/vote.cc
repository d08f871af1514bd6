#include <cstdint>
#include <utility>

#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"
#include "storage/check.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::Choice;
using deliberation::ConversationStats;
using deliberation::Gate;
using deliberation::Opinion;
using deliberation::OpinionStats;
using deliberation::Participant;
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

// What a head count changes by when somebody's votes go from `before` to `after`.
int heads(std::int64_t before, std::int64_t after) {
  return static_cast<int>(after > 0) - static_cast<int>(before > 0);
}

// Makes `choice` what stands on the ballot and returns what stood there.
Choice exchange(Ballot& ballot, const std::string& opinion_id, Choice choice) {
  auto& votes = *ballot.mutable_votes();
  if (choice != deliberation::CHOICE_NONE) return std::exchange(votes[opinion_id], choice);
  const auto held = votes.find(opinion_id);
  if (held == votes.end()) return deliberation::CHOICE_NONE;
  const Choice previous = held->second;
  votes.erase(held);
  return previous;
}

}  // namespace

void Deliberation::set_vote(const VoteSet& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  const Gate* gate = gates_.find(id);
  if (gate == nullptr) return effects.reject("conversation.unknown");
  if (const auto reason = refuse_participation(*gate, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  const Opinion* opinion = opinions_.find(id, fact.opinion_id());
  if (opinion == nullptr) return effects.reject("opinion.unknown");

  const Time at = counted_time(*gate, record);
  cast(*gate, *opinion, {fact.participant_id(), fact.choice(), at}, react(id, at));
}

ConversationStats& Deliberation::react(const std::string& conversation_id, Time at) {
  ConversationStats& stats = conversation_stats_.edit(conversation_id);
  const std::int64_t time = at.time_since_epoch().count();
  // Within an import times may run backwards.
  if (!stats.has_last_reacted_at() || stats.last_reacted_at() < time) {
    stats.set_last_reacted_at(time);
  }
  return stats;
}

void Deliberation::cast(const Gate& gate, const Opinion& opinion, const Vote& vote,
                        ConversationStats& stats) {
  const std::string& id = opinion.conversation_id();
  if (vote.choice == deliberation::CHOICE_NONE &&
      ballots_.find(id, vote.participant_id) == nullptr) {
    return;
  }
  Ballot& ballot = ballots_.edit(id, vote.participant_id);
  // Whoever votes for the first time is not noted yet.
  const Participant* note =
      ballot.has_first_voted_at() ? notes_.find(gate, vote.participant_id) : nullptr;
  const std::int64_t moderated = note == nullptr ? 0 : note->moderated_votes();
  const std::int64_t time = vote.at.time_since_epoch().count();
  if (!ballot.has_first_voted_at()) ballot.set_first_voted_at(time);
  ballot.set_last_voted_at(time);

  const Choice previous = exchange(ballot, opinion.opinion_id(), vote.choice);
  if (previous == vote.choice) return;
  OpinionStats& opinion_stats = opinion_stats_.edit(id, opinion.opinion_id());
  tally(previous, -1, opinion_stats);
  tally(vote.choice, 1, opinion_stats);
  if (previous == deliberation::CHOICE_NONE) {
    remember_voter(note, opinion, vote.participant_id);
    count(opinion, 1, moderated, ballot, stats);
  } else if (vote.choice == deliberation::CHOICE_NONE) {
    Participant& noted = notes_.edit(id, vote.participant_id);
    (*noted.mutable_withdrawn())[opinion.opinion_id()] = true;
    count(opinion, -1, moderated, ballot, stats);
  }
}

void Deliberation::remember_voter(const Participant* note, const Opinion& opinion,
                                  const std::string& participant_id) {
  if (note == nullptr || !note->withdrawn().contains(opinion.opinion_id())) {
    return voters_.add(opinion.conversation_id(), opinion.opinion_id(), participant_id);
  }
  Participant& changed = notes_.edit(opinion.conversation_id(), participant_id);
  changed.mutable_withdrawn()->erase(opinion.opinion_id());
  notes_.settle(changed);
}

void Deliberation::count(const Opinion& opinion, int change, std::int64_t moderated, Ballot& ballot,
                         ConversationStats& stats) {
  const std::int64_t before = ballot.vote_count();
  const std::int64_t after = before + change;
  ballot.set_vote_count(after);
  stats.set_total_vote_count(stats.total_vote_count() + change);
  stats.set_total_participant_count(stats.total_participant_count() + heads(before, after));

  if (opinion.moderation() != deliberation::MODERATION_NONE) {
    Participant& note = notes_.edit(opinion.conversation_id(), ballot.participant_id());
    note.set_moderated_votes(note.moderated_votes() + change);
    return notes_.settle(note);
  }
  stats.set_vote_count(stats.vote_count() + change);
  stats.set_participant_count(stats.participant_count() +
                              heads(before - moderated, after - moderated));
}

void Deliberation::count_votes_on(const Opinion& opinion, bool counted, ConversationStats& stats) {
  const int change = counted ? 1 : -1;
  const std::string& id = opinion.conversation_id();
  voters_.for_each(id, opinion.opinion_id(), [&](std::string_view participant_id) {
    const Ballot* ballot = ballots_.find(id, participant_id);
    CHECK(ballot != nullptr, "ballots stay when their votes are withdrawn");
    if (!ballot->votes().contains(opinion.opinion_id())) return;
    Participant& note = notes_.edit(id, participant_id);
    const std::int64_t before = ballot->vote_count() - note.moderated_votes();
    note.set_moderated_votes(note.moderated_votes() - change);
    stats.set_vote_count(stats.vote_count() + change);
    stats.set_participant_count(stats.participant_count() + heads(before, before + change));
    notes_.settle(note);
  });
}

}  // namespace sluice
