#pragma once

#include "projectors/engine/tables/partition_tables.h"
#include "storage/state_store.h"

namespace sluice {

// As a projector does: changed rows go to the store, and count as changed no longer.
inline void flush_tables(Tables& tables, StateStore& store) {
  StateBatch batch;
  tables.write_dirty(batch);
  store.write(batch);
  tables.mark_clean();
}

}  // namespace sluice
