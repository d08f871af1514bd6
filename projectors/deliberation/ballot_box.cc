#include "projectors/deliberation/ballot_box.h"

#include <algorithm>
#include <cstdint>

#include "projectors/deliberation/ballot_votes.h"
#include "projectors/deliberation/id_lines.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::Choice;
using deliberation::ConversationStats;
using deliberation::OpinionStats;
using deliberation::Participant;

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

// `votes` stay as they are meanwhile.
template <class Visit>
void for_each_vote(const std::string& votes, Visit visit) {
  ballot_votes::Vote vote;
  for (std::size_t at = 0; ballot_votes::next(votes, at, vote);) {
    visit(std::string(vote.opinion_id), vote.choice);
  }
}

}  // namespace

Ballot* BallotBox::cast(const OpinionStats& opinion, const Vote& vote, ConversationStats& stats) {
  const std::string& id = opinion.conversation_id();
  if (vote.choice == deliberation::CHOICE_NONE &&
      rows_.ballots.find(id, vote.participant_id) == nullptr) {
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
  OpinionStats& counted = rows_.opinions.edit_found(opinion);
  retally(vote.participant_id, previous, vote.choice, counted);
  if (previous == deliberation::CHOICE_NONE) {
    remember_voter(ballot, counted);
    count(counted, 1, ballot, stats);
  } else if (vote.choice == deliberation::CHOICE_NONE) {
    id_lines::add(*ballot.mutable_withdrawn(), opinion.opinion_id());
    count(counted, -1, ballot, stats);
  }
  clustering_.change_math(stats, &ballot);
  return &ballot;
}

Ballot& BallotBox::edit_ballot(const std::string& participant_id, const ConversationStats& stats) {
  Ballot& ballot = rows_.ballots.edit(stats.conversation_id(), participant_id);
  if (!ballot.has_first_voted_at()) ballot.set_ineligible(is_ineligible(stats, participant_id));
  return ballot;
}

Choice BallotBox::take_vote(Ballot& ballot, OpinionStats& opinion, ConversationStats& stats) {
  const Choice choice = ballot_votes::exchange(*ballot.mutable_votes(), opinion.opinion_id(),
                                               deliberation::CHOICE_NONE);
  if (choice == deliberation::CHOICE_NONE) return choice;
  retally(ballot.participant_id(), choice, deliberation::CHOICE_NONE, opinion);
  count(opinion, -1, ballot, stats);
  return choice;
}

void BallotBox::give_vote(Ballot& ballot, Choice choice, OpinionStats& opinion,
                          ConversationStats& stats) {
  ballot_votes::exchange(*ballot.mutable_votes(), opinion.opinion_id(), choice);
  retally(ballot.participant_id(), deliberation::CHOICE_NONE, choice, opinion);
  remember_voter(ballot, opinion);
  count(opinion, 1, ballot, stats);
}

void BallotBox::take_off(OpinionStats& opinion, ConversationStats& stats) {
  const std::string& id = opinion.conversation_id();
  rows_.voters.for_each(opinion, [&](std::string_view participant_id) {
    if (take_vote(rows_.ballots.edit(id, participant_id), opinion, stats) ==
        deliberation::CHOICE_NONE) {
      id_lines::take_out(*rows_.ballots.edit_unshown(id, participant_id).mutable_withdrawn(),
                         opinion.opinion_id());
    }
  });
  rows_.voters.erase(opinion);
}

void BallotBox::remember_voter(Ballot& ballot, OpinionStats& opinion) {
  if (!ballot.withdrawn().empty() &&
      id_lines::take_out(*ballot.mutable_withdrawn(), opinion.opinion_id())) {
    return;
  }
  rows_.voters.add(opinion, ballot.participant_id());
}

void BallotBox::count(OpinionStats& opinion, int change, Ballot& ballot, ConversationStats& stats) {
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

void BallotBox::count_votes_on(const OpinionStats& opinion, bool counted,
                               ConversationStats& stats) {
  const int change = counted ? 1 : -1;
  const std::string& id = opinion.conversation_id();
  rows_.voters.for_each(opinion, [&](std::string_view participant_id) {
    const Ballot* held = rows_.ballots.find(id, participant_id);
    CHECK(held != nullptr, "ballots stay when their votes are withdrawn");
    if (ballot_votes::find(held->votes(), opinion.opinion_id()) == deliberation::CHOICE_NONE) {
      return;
    }
    Ballot& ballot = rows_.ballots.edit_unshown(id, participant_id);
    const std::int64_t before = ballot.vote_count() - ballot.moderated_votes();
    ballot.set_moderated_votes(ballot.moderated_votes() - change);
    if (ballot.ineligible()) return;
    stats.set_vote_count(stats.vote_count() + change);
    stats.set_participant_count(stats.participant_count() + heads(before, before + change));
  });
}

bool BallotBox::is_ineligible(const ConversationStats& conversation,
                              const std::string& participant_id) const {
  if (conversation.gate().ineligible_participants() == 0) return false;
  const Participant* participant =
      rows_.participants.find(conversation.conversation_id(), participant_id);
  return participant != nullptr && participant->ineligible();
}

void BallotBox::forget(const std::string& participant_id, ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  if (rows_.ballots.find(id, participant_id) == nullptr) return;
  Ballot& ballot = rows_.ballots.edit(id, participant_id);
  const std::string votes = ballot.votes();
  for_each_vote(votes, [&](const std::string& opinion_id, Choice) {
    OpinionStats& opinion = rows_.opinions.edit(id, opinion_id);
    take_vote(ballot, opinion, stats);
    rows_.voters.remove(opinion, participant_id);
  });
  const auto forget_withdrawn = [&](std::string_view opinion_id) {
    rows_.voters.remove(rows_.opinions.edit_unshown(id, opinion_id), participant_id);
  };
  id_lines::for_each(ballot.withdrawn(), forget_withdrawn);
  if (ballot.clustered() && !ballot.ineligible()) {
    stats.mutable_math()->set_clustered(stats.math().clustered() - 1);
  }
  rows_.ballots.erase(id, participant_id);
}

bool BallotBox::move(const std::string& from_id, const std::string& into_id,
                     ConversationStats& stats) {
  const std::string& id = stats.conversation_id();
  const Ballot* held = rows_.ballots.find(id, from_id);
  if (held == nullptr) return false;
  const Ballot from = *held;
  forget(from_id, stats);

  Ballot& into = edit_ballot(into_id, stats);
  const bool voted = into.has_first_voted_at();
  into.set_first_voted_at(voted ? std::min(into.first_voted_at(), from.first_voted_at())
                                : from.first_voted_at());
  into.set_last_voted_at(voted ? std::max(into.last_voted_at(), from.last_voted_at())
                               : from.last_voted_at());
  into.set_number(voted ? std::min(into.number(), from.number()) : from.number());
  if (from.clustered() && !into.clustered()) clustering_.cluster(into, stats);
  for_each_vote(from.votes(), [&](const std::string& opinion_id, Choice choice) {
    if (ballot_votes::find(into.votes(), opinion_id) != deliberation::CHOICE_NONE) return;
    give_vote(into, choice, rows_.opinions.edit(id, opinion_id), stats);
  });
  return true;
}

}  // namespace sluice
