#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "projectors/engine/computed/shared_state.h"
#include "projectors/engine/run/backoff.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/run/projector.h"
#include "projectors/engine/time/ticker.h"
#include "storage/base/position.h"
#include "storage/projection_sink.h"
#include "storage/state_snapshots.h"
#include "storage/state_store.h"

namespace sluice {

// A partition that a worker's reader was assigned: its projector and what that stands on, and how
// it has fared since.
struct Assigned {
  std::unique_ptr<StateStore> store;
  std::unique_ptr<StateSnapshots> snapshots;
  std::unique_ptr<Projector> projector;  // null: to be taken again, unless stopped
  // Readers of the store beside this worker; null: none. Recalled before the store is written
  // anew or goes.
  std::shared_ptr<SharedState> lent;
  std::string owner;                         // as whom it was last taken
  std::string trouble;                       // why nothing is folded now; empty while it is
  std::string told;                          // what the heartbeat says of that
  std::string damage;                        // of the log, where the reader came to; empty: none
  bool stopped = false;                      // until its view, or what was said of its log, changes
  std::optional<ViewPosition> stopped_view;  // where that stood
  bool another_log = false;                  // stopped by what was said of its log
  bool fenced = false;                       // another took it, or moved it, since we did
  bool paused = false;
  bool caught_up = false;  // all that can be read was given to the projector
  // Since when it is so though a record is awaited that was folded before.
  std::optional<std::chrono::steady_clock::time_point> missing_since;
  // Since when it is so though the log has more, behind a transaction that is open.
  std::optional<std::chrono::steady_clock::time_point> held_back_since;
  Offset held_back_at;              // what was to be read next when last looked at
  bool held_back = false;           // long enough to be told of
  Offset log_end;                   // as last seen; inside lost() the reader is not asked any more
  std::optional<Offset> flushed;    // the view's position, as last known
  std::optional<Time> complete_at;  // up to then the view lacked nothing of the log
  Recovery began;
  std::chrono::steady_clock::duration folding{0};  // of what the poll at hand has brought
  std::chrono::steady_clock::time_point claimed_at;
  std::chrono::steady_clock::time_point last_flush;
  Backoff backoff;
  std::uint64_t folded = 0;  // since the last flush
  Ticker ticker;
};

}  // namespace sluice
