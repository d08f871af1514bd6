#pragma once

#include <string>

#include "deliberation/events.pb.h"
#include "deliberation/tables.pb.h"
#include "projectors/deliberation/clustering.h"
#include "projectors/deliberation/voter_index.h"
#include "projectors/engine/tables.h"
#include "storage/base/position.h"

namespace sluice {

// Where votes are cast: who has which vote on which opinion, with every counter that follows from
// what changes on a ballot. What a fact must pass it has passed before.
class BallotBox {
 public:
  // All outlive this.
  struct Rows {
    Table<deliberation::Ballot>& ballots;
    Table<deliberation::OpinionStats>& opinions;
    const Table<deliberation::Participant>& participants;
    VoterIndex& voters;
  };
  BallotBox(const Rows& rows, Clustering& clustering) : rows_(rows), clustering_(clustering) {}

  struct Vote {
    const std::string& participant_id;
    deliberation::Choice choice;
    Time at;
  };
  // Makes `choice` the participant's vote on the opinion. Returns the ballot; null when there is
  // none, so that nothing was withdrawn.
  deliberation::Ballot* cast(const deliberation::OpinionStats& opinion, const Vote& vote,
                             deliberation::ConversationStats& stats);
  // Takes the votes on the opinion off every ballot, and forgets who ever voted on it.
  void take_off(deliberation::OpinionStats& opinion, deliberation::ConversationStats& stats);
  // Takes the live votes on the opinion out of what the conversation counts, or back in.
  void count_votes_on(const deliberation::OpinionStats& opinion, bool counted,
                      deliberation::ConversationStats& stats);

  // Whether the participant's votes are not to count.
  [[nodiscard]] bool is_ineligible(const deliberation::ConversationStats& conversation,
                                   const std::string& participant_id) const;
  // The participant's ballot goes, if there is one, with its votes; no voter index names them any
  // more.
  void forget(const std::string& participant_id, deliberation::ConversationStats& stats);
  // Moves what `from_id` has to `into_id`, whose own votes stay; false when there is nothing.
  bool move(const std::string& from_id, const std::string& into_id,
            deliberation::ConversationStats& stats);

 private:
  // The participant's ballot, made by their first vote.
  deliberation::Ballot& edit_ballot(const std::string& participant_id,
                                    const deliberation::ConversationStats& stats);
  // The ballot loses its vote on the opinion, which is returned; none: it had none. The voter index
  // stays.
  deliberation::Choice take_vote(deliberation::Ballot& ballot, deliberation::OpinionStats& opinion,
                                 deliberation::ConversationStats& stats);
  // The ballot, which has no vote on the opinion, gets this one.
  void give_vote(deliberation::Ballot& ballot, deliberation::Choice choice,
                 deliberation::OpinionStats& opinion, deliberation::ConversationStats& stats);
  // The ballot gains (1) or loses (-1) its vote on the opinion.
  void count(deliberation::OpinionStats& opinion, int change, deliberation::Ballot& ballot,
             deliberation::ConversationStats& stats);
  // Has the ballot's participant in the opinion's voter index, once.
  void remember_voter(deliberation::Ballot& ballot, deliberation::OpinionStats& opinion);

  const Rows rows_;
  Clustering& clustering_;
};

}  // namespace sluice
