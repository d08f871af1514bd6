#pragma once

// Where a projection's published rows live, with the position that they reflect: one generation of
// one projection. Technologies: memory/, postgres/.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/log_identity.h"
#include "storage/base/position.h"
#include "storage/flush_batch.h"

namespace sluice {

// One build of a projection's tables. Fixed when the generation is made, except `live`: whether
// readers see it. Only the live one emits and ticks.
struct Generation {
  std::string projection;
  int number = 1;
  std::string unique_id;  // tells a generation from an earlier one of the same number
  int version = 1;        // of the projection's rules
  int partitions = 0;
  std::chrono::milliseconds dedupe_horizon{0};
  // How long quarantine keeps bytes that no deletion is sure to reach.
  std::chrono::milliseconds quarantine_retention = std::chrono::hours(7 * 24);
  bool live = false;
  // Whether its tables have a digest of what each key has emitted: from its start or not at all.
  bool tells_emissions = false;
  // Whether its state knows which records concern a key, from its beginning on.
  bool key_index = false;
};

// An owner that has said nothing for so long counts as gone: its process, or its way to the view,
// has ended. Some beats of show_progress().
inline constexpr std::chrono::milliseconds kOwnerGone{5000};

// A partition's row in `position`.
struct ViewPosition {
  Offset position;
  Digest digest;               // of the record before known(); {} at the beginning
  Offset emits_from;           // records before this emit nothing
  std::string owner;           // who took the partition last
  std::int64_t published = 0;  // how often computed rows were
  // How long ago the owner took it, flushed or showed progress, by the sink's clock; kOwnerGone or
  // more: it let go, or has ended.
  std::chrono::milliseconds silent{0};
  // Of the log that the rows were folded from. nullopt: nothing was folded yet, or only by a
  // version that knew no identities, or the log has none.
  std::optional<LogIdentity> log;
  // False while the partition of a generation that is built in bulk has rows in its state only.
  bool loaded = true;
  Offset folded;  // while not loaded: up to where its refused records are told

  // Up to where the view was told of what was folded.
  [[nodiscard]] Offset known() const { return loaded ? position : folded; }
};

// How far a partition's computed rows are behind what they are computed from, in keys.
struct ComputedProgress {
  std::int64_t due = 0;        // behind; the others are of these
  std::int64_t computing = 0;  // begun, and not yet published
  std::int64_t failing = 0;    // whose last computation failed
  // How long the one that has waited longest might have begun; 0: none might.
  std::chrono::milliseconds oldest_due{0};
};

// How far a partition's owner has come to know its log; renewed also when nothing is folded.
struct LogProgress {
  Partition partition;
  Offset log_end;
  std::string_view owner;
  std::string_view trouble;  // why nothing is folded now, for people; empty while it is
  std::optional<ComputedProgress> computed = std::nullopt;  // none: not known now, or never
  bool leaves = false;  // the owner lets go: nobody needs to wait until it counts as gone
  // How long the log has had the oldest record that the view lacks; 0: the view lacks none.
  // nullopt: not known, so that what was known before stands, or else the view counts as complete
  // up to the owner's last word.
  std::optional<std::chrono::milliseconds> unseen = std::nullopt;
};

// Used by one thread.
class ProjectionSink {
 public:
  virtual ~ProjectionSink() = default;

  // Throws Misconfigured when the generation does not exist.
  virtual Generation generation() = 0;

  // Makes `owner` (unique for each taking) the partition's owner and returns its position: that is
  // where flushing begins. From then on nobody else's flush passes.
  virtual ViewPosition claim(Partition partition, std::string_view owner) = 0;

  // The partition's row; nullopt before it was first taken.
  virtual std::optional<ViewPosition> position(Partition partition) = 0;

  // In one transaction: moves the position from `from` to `to` if it is still at `from` with that
  // digest, owner and number of publications, and the generation is still live, or still not and
  // then its live one is at `to` or beyond; else throws Fenced. Then makes the rows so. All or
  // nothing. Retryable: surely nothing was changed. Only rows whose values differ are written. Of a
  // key that was computed, each table has the rows given and no others, whatever it had.
  virtual FlushOutcome flush(const FlushBatch& batch) = 0;

  // Renews log_end, `trouble`, how fresh the view is and, where known, what is computed, where the
  // partition is still the owner's; waits for no flush. Elsewhere a trouble is kept beside the
  // owner's, as that of a process which wants the partition and cannot have it. Positions do not
  // move. Returns, for each entry, where the view is now; nullopt: the partition has another owner,
  // or no row. An owner whose view is elsewhere than it left it must take the partition again:
  // nothing else tells it while no record comes. Misconfigured, once all is written: what rows are
  // published to is not there any more, or may not be written.
  [[nodiscard]] virtual std::vector<std::optional<ViewPosition>> show_progress(
      std::span<const LogProgress> progress) = 0;
};

}  // namespace sluice
