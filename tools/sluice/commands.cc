#include "tools/sluice/commands.h"

namespace sluice {

// In the order in which a newcomer meets them.
void add_commands(Command& root) {
  add_up(root);
  add_post(root);
  add_import(root);
  add_simulate(root);
  add_wait(root);
  add_status(root);
  add_verify(root);
  add_replay(root);
  add_explain(root);
  add_math(root);
  add_quarantine(root);
  add_tail(root);
  add_topics(root);
  add_schema(root);
  add_rebuild(root);
  add_generations(root);
  add_compare(root);
  add_doctor(root);
  add_promote(root);
  add_rollback(root);
  add_retire(root);
  add_snapshot(root);
  add_backup(root);
  add_ingest(root);
  add_project(root);
}

}  // namespace sluice
