#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"

namespace sluice {

using deliberation::Conversation;
using deliberation::ConversationCreated;
using deliberation::ConversationStats;
using deliberation::Gate;
using deliberation::ImportCompleted;
using deliberation::ImportStarted;
using deliberation::Opinion;

void Deliberation::create(const ConversationCreated& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (conversation_stats_.find(id) != nullptr) return effects.reject("conversation.exists");

  ConversationStats& stats = conversation_stats_.edit(id);
  stats.mutable_gate()->set_participation(fact.participation());
  Conversation& conversation = conversations_.edit(id);
  conversation.set_slug(fact.slug());
  conversation.set_owner_id(fact.owner_id());
  conversation.set_title(fact.title());
  conversation.set_body(fact.body());
  conversation.set_kind(fact.kind());
  conversation.set_status(status_of(stats.gate()));
  conversation.set_indexed(fact.indexed());
  conversation.set_participation(fact.participation());
  conversation.set_created_at(record.recorded_at.time_since_epoch().count());

  for (const ConversationCreated::Seed& seed : fact.seeds()) {
    Opinion& opinion =
        add_opinion(id, seed.opinion_id(), fact.owner_id(), record.recorded_at, stats);
    opinion.set_body(seed.body());
    opinion.set_is_seed(true);
  }
  tell_of(id, fact.owner_id(), effects);
}

std::string_view Deliberation::refuse_owning(const std::string& conversation_id,
                                             const Actor& actor) const {
  const Conversation* conversation = conversations_.find(conversation_id);
  if (conversation == nullptr) return "conversation.unknown";
  if (!moderates(actor) && !owns(actor, conversation->owner_id())) return "actor.not_allowed";
  return {};
}

void Deliberation::set_closed(const std::string& conversation_id, bool closed, const Record& record,
                              Effects& effects) {
  if (const auto reason = refuse_owning(conversation_id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (conversation_stats_.find(conversation_id)->gate().closed() == closed) return;
  Gate& gate = edit_gate(conversation_id);
  gate.set_closed(closed);
  conversations_.edit(conversation_id).set_status(status_of(gate));
}

Gate& Deliberation::edit_gate(const std::string& conversation_id) {
  return *conversation_stats_.edit_unshown(conversation_id).mutable_gate();
}

// Imports are known by their ids: one started twice is under way once, and occurred times count
// while any is under way.
void Deliberation::start_import(const ImportStarted& fact, const Record& record, Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_owning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (open_imports_.find(id, fact.import_id()) != nullptr) return;
  (void)open_imports_.edit(id, fact.import_id());
  Gate& gate = edit_gate(id);
  gate.set_open_imports(gate.open_imports() + 1);
}

void Deliberation::complete_import(const ImportCompleted& fact, const Record& record,
                                   Effects& effects) {
  const std::string& id = fact.conversation_id();
  if (const auto reason = refuse_owning(id, record.actor); !reason.empty()) {
    return effects.reject(reason);
  }
  if (open_imports_.find(id, fact.import_id()) == nullptr) return;
  open_imports_.erase(id, fact.import_id());
  Gate& gate = edit_gate(id);
  gate.set_open_imports(gate.open_imports() - 1);
}

}  // namespace sluice
