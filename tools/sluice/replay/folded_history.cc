#include "tools/sluice/replay/folded_history.h"

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"

namespace sluice {

FoldedHistory::FoldedHistory(Log& log, const KeyPlace& place, const MemoryBudget& memory)
    : place_(place),
      resources_(memory.state, 1),
      store_(scratch_.path() / "partition", resources_, RocksStateStore::KeptThrough::shutdown),
      refold_(place.projection, place.generation, place.partition,
              {.rows = memory.dirty_rows + memory.row_cache,
               .filters = memory.dedupe,
               .key_index = true},
              store_),
      records_(log, stream_of(place.projection.name), place.partition) {}

KeyHistory FoldedHistory::up_to(Offset position, std::optional<Time> until) {
  while (refold_.position() < position) {
    const auto record = records_.from(refold_.position());
    if (!record || record->offset >= position) {
      throw Corrupt("the log ends before " + std::to_string(position.value) +
                    ", up to where the view was folded: it lost its tail");
    }
    (void)refold_.fold(*record);
  }
  refold_.write_state();
  KeyHistory history =
      history_in([&](std::string_view from, std::string_view to) { return store_.scan(from, to); },
                 place_, until);
  history.index = false;
  history.position = refold_.position();
  history.digest = refold_.digest();
  return history;
}

}  // namespace sluice
