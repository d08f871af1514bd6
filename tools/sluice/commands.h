#pragma once

#include "tools/sluice/cli/program.h"

namespace sluice {

// Adds every command of the program.
void add_commands(Command& root);

// One a file of the same name.
void add_backup(Command& root);
void add_compare(Command& root);
void add_doctor(Command& root);
void add_explain(Command& root);
void add_generations(Command& root);
void add_import(Command& root);
void add_ingest(Command& root);
void add_math(Command& root);
void add_post(Command& root);
void add_project(Command& root);
void add_promote(Command& root);
void add_quarantine(Command& root);
void add_rebuild(Command& root);
void add_replay(Command& root);
void add_retire(Command& root);
void add_rollback(Command& root);
void add_schema(Command& root);
void add_simulate(Command& root);
void add_snapshot(Command& root);
void add_status(Command& root);
void add_tail(Command& root);
void add_topics(Command& root);
void add_up(Command& root);
void add_verify(Command& root);
void add_wait(Command& root);

}  // namespace sluice
