#include "projectors/deliberation/projection.h"
#include "storage/base/check.h"

namespace sluice {

Deliberation::Deliberation(Tables& tables)
    : conversations_(tables),
      conversation_stats_(tables),
      opinions_(tables),
      opinion_stats_(tables),
      ballots_(tables),
      participants_(tables),
      authored_(tables),
      voters_(tables),
      clustering_(ballots_, opinion_stats_),
      ballot_box_({ballots_, opinion_stats_, participants_, voters_}, clustering_),
      imports_(tables),
      feed_(tables),
      notifications_(tables) {}

void Deliberation::fold(const Event& event, const Record& record, Effects& effects) {
  clustering_.begin(record.folded_to);
  apply(event, record, effects);
  // Imports are not part of each other, and a vote has its conversation at hand.
  if (event.has_import_started() || event.has_import_completed() || event.has_vote_set()) return;
  if (effects.rejection().empty()) imports_.count(*conversation_stats_.find(effects.key()));
}

void Deliberation::apply(const Event& event, const Record& record, Effects& effects) {
  switch (event.fact_case()) {
    case Event::kVoteSet:
      return set_vote(event.vote_set(), record, effects);
    case Event::kConversationCreated:
      return create(event.conversation_created(), record, effects);
    case Event::kConversationEdited:
      return edit(event.conversation_edited(), record, effects);
    case Event::kConversationClosed:
      return set_closed(event.conversation_closed().conversation_id(), true, record, effects);
    case Event::kConversationReopened:
      return set_closed(event.conversation_reopened().conversation_id(), false, record, effects);
    case Event::kConversationLocked:
      return set_locked(event.conversation_locked().conversation_id(), true, record, effects);
    case Event::kConversationUnlocked:
      return set_locked(event.conversation_unlocked().conversation_id(), false, record, effects);
    case Event::kConversationDeleted:
      return remove(event.conversation_deleted(), record, effects);
    case Event::kOpinionCreated:
      return create(event.opinion_created(), record, effects);
    case Event::kOpinionDeleted:
      return remove(event.opinion_deleted(), record, effects);
    case Event::kOpinionModerated:
      return moderate(event.opinion_moderated(), record, effects);
    case Event::kOpinionMarkedMeta:
      return mark_meta(event.opinion_marked_meta(), record, effects);
    case Event::kImportStarted:
      return start_import(event.import_started(), record, effects);
    case Event::kImportCompleted:
      return complete_import(event.import_completed(), record, effects);
    case Event::kParticipantRemoved:
      return remove(event.participant_removed(), record, effects);
    case Event::kParticipantRekeyed:
      return rekey(event.participant_rekeyed(), record, effects);
    case Event::kParticipantEligibilitySet:
      return set_eligibility(event.participant_eligibility_set(), record, effects);
    case Event::FACT_NOT_SET:
      CHECK(false, "a record without a fact meets no rule and is not folded");
  }
}

}  // namespace sluice
