#include "tools/bench/tally.h"

#include "projectors/deliberation/ballot_votes.h"

namespace sluice::bench {
namespace {

using deliberation::Choice;

void add(Choice choice, int change, tally::Opinion& opinion) {
  switch (choice) {
    case deliberation::CHOICE_AGREE:
      return opinion.set_agrees(opinion.agrees() + change);
    case deliberation::CHOICE_DISAGREE:
      return opinion.set_disagrees(opinion.disagrees() + change);
    case deliberation::CHOICE_PASS:
      return opinion.set_passes(opinion.passes() + change);
    default:
      return;
  }
}

int one_if(bool so) { return so ? 1 : 0; }

}  // namespace

void Tally::fold(const Event& event, const Record&, Effects&) {
  const deliberation::VoteSet& vote = event.vote_set();
  const std::string& id = vote.conversation_id();
  tally::Ballot& ballot = ballots_.edit(id, vote.participant_id());
  const int took_part = one_if(!ballot.votes().empty());
  const Choice before =
      ballot_votes::exchange(*ballot.mutable_votes(), vote.opinion_id(), vote.choice());
  if (before == vote.choice()) return;

  tally::Opinion& opinion = opinions_.edit(id, vote.opinion_id());
  add(before, -1, opinion);
  add(vote.choice(), 1, opinion);
  tally::Conversation& conversation = conversations_.edit(id);
  conversation.set_votes(conversation.votes() + one_if(vote.choice() != deliberation::CHOICE_NONE) -
                         one_if(before != deliberation::CHOICE_NONE));
  conversation.set_participants(conversation.participants() + one_if(!ballot.votes().empty()) -
                                took_part);
}

}  // namespace sluice::bench
