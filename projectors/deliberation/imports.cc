#include "projectors/deliberation/imports.h"

#include <algorithm>

namespace sluice {

using deliberation::ConversationStats;
using deliberation::Gate;
using deliberation::Import;
using deliberation::ImportCompleted;
using deliberation::ImportStarted;

bool Imports::under_way(const Gate& gate, const std::string& import_id) {
  const auto& open = gate.open_imports();
  return std::find(open.begin(), open.end(), import_id) != open.end();
}

void Imports::start(const ImportStarted& fact, Time at, Gate& gate) {
  gate.add_open_imports(fact.import_id());
  Import& row = imports_.edit(fact.conversation_id(), fact.import_id());
  row.clear_total();
  if (fact.has_total()) row.set_total(fact.total());
  row.set_done(0);
  row.set_started_at(at.time_since_epoch().count());
  row.clear_completed_at();
}

void Imports::complete(const ImportCompleted& fact, Time at, Gate& gate) {
  auto& open = *gate.mutable_open_imports();
  open.erase(std::find(open.begin(), open.end(), fact.import_id()));
  imports_.edit(fact.conversation_id(), fact.import_id())
      .set_completed_at(at.time_since_epoch().count());
}

void Imports::count(const ConversationStats& conversation) {
  for (const std::string& import_id : conversation.gate().open_imports()) {
    Import& row = imports_.edit(conversation.conversation_id(), import_id);
    row.set_done(row.done() + 1);
  }
}

}  // namespace sluice
