#pragma once

// Conversations, opinions and votes. Which rows there are is in schemas/deliberation/tables.proto,
// why the fold keeps them so in this folder's README.

#include <string>
#include <string_view>
#include <vector>

#include "deliberation/events.pb.h"
#include "deliberation/tables.pb.h"
#include "projectors/deliberation/ballot_box.h"
#include "projectors/deliberation/clustering.h"
#include "projectors/deliberation/feed.h"
#include "projectors/deliberation/imports.h"
#include "projectors/deliberation/notifications.h"
#include "projectors/deliberation/voter_index.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"

namespace sluice {

class Deliberation {
 public:
  using Event = deliberation::Event;
  static constexpr int kVersion = 3;
  static constexpr bool kEmits = true;

  explicit Deliberation(Tables& tables);
  Deliberation(const Deliberation&) = delete;
  Deliberation& operator=(const Deliberation&) = delete;

  // The opinion groups.
  static const Computed& computed();

  // The fact has met its rules: what is required is there and defaults are written.
  void fold(const Event& event, const Record& record, Effects& effects);
  // Tells people of somebody whose part in the conversation waits, so that it goes with them.
  void waits(const Event& event, const std::string& participant_id, Effects& effects) const;

 private:
  void apply(const Event& event, const Record& record, Effects& effects);

  // conversation.cc
  void create(const deliberation::ConversationCreated& fact, const Record& record,
              Effects& effects);
  void edit(const deliberation::ConversationEdited& fact, const Record& record, Effects& effects);
  void set_closed(const std::string& conversation_id, bool closed, const Record& record,
                  Effects& effects);
  void set_locked(const std::string& conversation_id, bool locked, const Record& record,
                  Effects& effects);
  void remove(const deliberation::ConversationDeleted& fact, const Record& record,
              Effects& effects);
  void start_import(const deliberation::ImportStarted& fact, const Record& record,
                    Effects& effects);
  void complete_import(const deliberation::ImportCompleted& fact, const Record& record,
                       Effects& effects);
  // Why nothing can be done to the conversation, or by this actor what the owner and moderators,
  // or moderators, may; empty: it can.
  [[nodiscard]] bool may_own(const std::string& conversation_id, const Actor& actor) const;
  [[nodiscard]] std::string_view refuse_all(const std::string& conversation_id) const;
  [[nodiscard]] std::string_view refuse_owning(const std::string& conversation_id,
                                               const Actor& actor) const;
  [[nodiscard]] std::string_view refuse_moderating(const std::string& conversation_id,
                                                   const Actor& actor) const;
  deliberation::Gate& edit_gate(const std::string& conversation_id);
  // Shows what the gate has become.
  void show_status(const std::string& conversation_id);
  // No opinion is live and no vote is any more.
  void empty_out(deliberation::ConversationStats& stats);

  // opinion.cc
  void create(const deliberation::OpinionCreated& fact, const Record& record, Effects& effects);
  void moderate(const deliberation::OpinionModerated& fact, const Record& record, Effects& effects);
  void mark_meta(const deliberation::OpinionMarkedMeta& fact, const Record& record,
                 Effects& effects);
  void remove(const deliberation::OpinionDeleted& fact, const Record& record, Effects& effects);
  // Why the actor may not do to the opinion what moderators may; empty: they may.
  [[nodiscard]] std::string_view refuse_moderating(const std::string& conversation_id,
                                                   const std::string& opinion_id,
                                                   const Actor& actor) const;
  // Live and unmoderated, without votes.
  deliberation::Opinion& add_opinion(const std::string& conversation_id,
                                     const std::string& opinion_id, const std::string& author_id,
                                     Time at, deliberation::ConversationStats& stats);
  // Of its own conversation's opinion: the owner, unless there is no telling them.
  void notify_owner(const deliberation::Opinion& opinion,
                    const deliberation::ConversationStats& stats, Time at);
  // Takes the opinion, which is live, out of every counter, and the votes on it off every ballot.
  void take_out(const deliberation::Opinion& opinion, deliberation::OpinionStats& votes,
                deliberation::ConversationStats& stats);
  // As if it had never been, and nobody had voted on it.
  void forget_opinion(const std::string& conversation_id, const std::string& opinion_id,
                      deliberation::ConversationStats& stats);

  // vote.cc
  void set_vote(const deliberation::VoteSet& fact, const Record& record, Effects& effects);
  // The conversation's counters, with somebody's reaction noted.
  deliberation::ConversationStats& react(const deliberation::ConversationStats& conversation,
                                         Time at);

  // participant.cc
  void set_eligibility(const deliberation::ParticipantEligibilitySet& fact, const Record& record,
                       Effects& effects);
  void remove(const deliberation::ParticipantRemoved& fact, const Record& record, Effects& effects);
  void rekey(const deliberation::ParticipantRekeyed& fact, const Record& record, Effects& effects);
  // Why the actor may not say what became of participants; empty: they may.
  [[nodiscard]] std::string_view refuse_concerning(const std::string& conversation_id,
                                                   const Actor& actor) const;
  // Why the participant, or this actor for them, may not take part; empty: they may.
  [[nodiscard]] std::string_view refuse_part(const deliberation::ConversationStats& conversation,
                                             const std::string& participant_id,
                                             const Actor& actor) const;
  [[nodiscard]] bool is_removed(const deliberation::ConversationStats& conversation,
                                const std::string& participant_id) const;
  // Everything that there is of the participant, who is not removed yet, and takes nothing from
  // them any more.
  void forget(const std::string& participant_id, deliberation::ConversationStats& stats);
  void mark_removed(const std::string& participant_id, deliberation::ConversationStats& stats);
  [[nodiscard]] std::vector<std::string> opinions_of(const std::string& conversation_id,
                                                     const std::string& author_id) const;
  // Each moves what `from` has to `into`; false when there is nothing.
  bool move_opinions(const std::string& conversation_id, const std::string& from,
                     const std::string& into);
  void move_opinion(const std::string& conversation_id, const std::string& opinion_id,
                    const std::string& into);
  bool move_ownership(const std::string& conversation_id, const std::string& from,
                      const std::string& into);
  // Tells the domain people, unless it was told, that somebody takes part.
  void tell_of_voter(deliberation::Ballot& ballot, Effects& effects);
  void tell_of(const std::string& conversation_id, const std::string& participant_id,
               Effects& effects);

  Table<deliberation::Conversation> conversations_;
  Table<deliberation::ConversationStats> conversation_stats_;
  Table<deliberation::Opinion> opinions_;
  Table<deliberation::OpinionStats> opinion_stats_;
  Table<deliberation::Ballot> ballots_;
  Table<deliberation::Participant> participants_;
  Table<deliberation::Authored> authored_;
  VoterIndex voters_;
  Clustering clustering_;
  BallotBox ballot_box_;
  Imports imports_;
  FeedRows feed_;
  Notifications notifications_;
};

}  // namespace sluice
