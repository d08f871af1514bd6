#include <cstdint>

#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::ConversationStats;
using deliberation::OpinionStats;
using deliberation::VoteSet;

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
  Ballot* ballot = ballot_box_.cast(*opinion, {fact.participant_id(), fact.choice(), at}, stats);
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

}  // namespace sluice
