#pragma once

// What a generation needs that readers do not see: it is built beside the live one, follows it, and
// shows nothing that the live one does not show. Technologies: memory/, postgres/.

#include <cstdint>
#include <map>

#include "storage/base/position.h"
#include "storage/flush_batch.h"

namespace sluice {

enum class BuildPhase {
  folding,    // a partition is not loaded, none has begun
  loading,    // some partitions are loaded
  indexing,   // all are; keys and indexes are not made yet
  following,  // flushes as the live one does, up to where that is
};

// Of one generation, over the session of its ProjectionSink. Used by that one's thread.
class GenerationBuilder {
 public:
  virtual ~GenerationBuilder() = default;

  // Where the live generation's view is, by partition; partitions that it never took are left out.
  // No other generation may flush or load beyond. Empty where no generation is live.
  virtual std::map<Partition, Offset> live_positions() = 0;

  // Whether, as of the last live_positions(), a swap waits for computed rows of this generation:
  // what is due of it is then computed at once, whatever its pace.
  [[nodiscard]] virtual bool hurries() const = 0;

  // In one transaction: adds what was refused and moves `folded` on with its digest. Neither goes
  // back, and a load must not come before it. Repeating a note changes nothing. Fenced: the
  // partition has another owner, or is loaded.
  virtual void note(const BulkNote& note) = 0;

  // In one transaction: writes the rows, moves the position from 0 to `to` and says that the
  // partition is loaded. Fenced: another owner, loaded already, `to` beyond the live generation's
  // position or before `folded`. In doubt: position() tells by `loaded`.
  virtual FlushOutcome load(const LoadBatch& batch) = 0;

  // How far the build is; where all partitions are loaded and nobody else does it, makes the keys
  // and indexes first, however long that takes. A generation that was never built in bulk, or was,
  // is `following`. Flushes may begin then.
  virtual BuildPhase advance() = 0;

  // It follows closely enough to be promoted: every partition is loaded and within `records` of the
  // live one's. Says so to people, and never takes it back.
  virtual void note_ready(std::int64_t records) = 0;
};

}  // namespace sluice
