#include "projectors/deliberation/projection.h"
#include "storage/check.h"

namespace sluice {

using deliberation::Event;

Deliberation::Deliberation(Tables& tables)
    : conversations_(tables),
      conversation_stats_(tables),
      opinions_(tables),
      opinion_stats_(tables),
      ballots_(tables),
      open_imports_(tables),
      participants_(tables),
      authored_(tables),
      voters_(tables) {}

std::string_view Deliberation::key(const Event& event) {
  switch (event.fact_case()) {
    case Event::kVoteSet:
      return event.vote_set().conversation_id();
    case Event::kConversationCreated:
      return event.conversation_created().conversation_id();
    case Event::kConversationClosed:
      return event.conversation_closed().conversation_id();
    case Event::kConversationReopened:
      return event.conversation_reopened().conversation_id();
    case Event::kOpinionCreated:
      return event.opinion_created().conversation_id();
    case Event::kOpinionModerated:
      return event.opinion_moderated().conversation_id();
    case Event::kOpinionMarkedMeta:
      return event.opinion_marked_meta().conversation_id();
    case Event::kImportStarted:
      return event.import_started().conversation_id();
    case Event::kImportCompleted:
      return event.import_completed().conversation_id();
    case Event::kParticipantRemoved:
      return event.participant_removed().conversation_id();
    case Event::kParticipantRekeyed:
      return event.participant_rekeyed().conversation_id();
    case Event::FACT_NOT_SET:
      return {};
  }
  return {};
}

void Deliberation::fold(const Event& event, const Record& record, Effects& effects) {
  switch (event.fact_case()) {
    case Event::kVoteSet:
      return set_vote(event.vote_set(), record, effects);
    case Event::kConversationCreated:
      return create(event.conversation_created(), record, effects);
    case Event::kConversationClosed:
      return set_closed(event.conversation_closed().conversation_id(), true, record, effects);
    case Event::kConversationReopened:
      return set_closed(event.conversation_reopened().conversation_id(), false, record, effects);
    case Event::kOpinionCreated:
      return create(event.opinion_created(), record, effects);
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
    case Event::FACT_NOT_SET:
      CHECK(false, "a record without a fact meets no rule and is not folded");
  }
}

}  // namespace sluice
