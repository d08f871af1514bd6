#pragma once

// Which event ids a partition has seen within a horizon of record time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "projectors/engine/tables/shared_bytes.h"
#include "storage/base/position.h"
#include "storage/state_store.h"

namespace sluice {

// A hash of an event's key and id, wide enough that two ids are never taken for one.
struct EventId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

// How a window is laid out: for tests, and for the memory it may take. Anything that was written
// with one shape is read with another.
struct DedupeShape {
  std::size_t open_marks = 64U << 10;      // so many marks are kept in memory, then sealed
  std::size_t page_marks = 128;            // 4 KiB, read at a look-up
  std::size_t segment_marks = 1U << 20;    // under one filter, or ...
  std::size_t slices = 8;                  // ... this part of the window, and of the horizon
  std::size_t fan_in = 16;                 // runs of a size that are merged
  std::size_t merge_pace = 4;              // marks merged a mark written, and at least ...
  std::size_t merge_marks_min = 4U << 10;  // ... so many a write
  // Two bytes a mark. Marks of older segments that get no filter any more are looked for in the
  // store, one page a run. Page indexes, about a bit a mark, come on top.
  std::size_t filter_bytes_max = 256U << 20;
  // Of all windows of a process, which outlives them: beyond its own maximum one may have what the
  // others leave, and gives it back, oldest segments first, when it seals its next marks.
  SharedBytes* filters = nullptr;
};

// One a partition, used by its worker's thread. Keys in the store begin with 'd'. Record time never
// goes back, neither from mark to mark nor from call to call; only reload() may take it back to
// that of the last batch that the store kept.
//
// New marks are an open set in memory, and in the store a block a write. A full open set is sealed:
// written once more, sorted by id, as a run. Runs are grouped into segments by time, each with a
// filter in memory; a background of merges, part of each write, leaves an old segment one run. Only
// what the filter of a segment may hold is looked up in the store. Segments are dropped whole.
class DedupeWindow {
 public:
  // Loads nothing yet: reload() comes first. The store must outlive this.
  DedupeWindow(StateStore& store, std::chrono::milliseconds horizon, DedupeShape shape = {});
  ~DedupeWindow();

  // Brings to the cache what seen() looks at first. seen() is mostly waiting for memory: said some
  // work before, as soon as the id is known, it takes about half the time.
  void prefetch(EventId id) const;

  // What mark() was told of the id's content, when it was marked at a record time later than
  // `record_time` - horizon; by the newest mark's own time, whatever has been purged. Throws what
  // the store throws.
  [[nodiscard]] std::optional<std::uint64_t> seen(EventId id, Time record_time);

  void mark(EventId id, std::uint64_t content, Time record_time);

  // Adds what was marked since the last write to the batch, as of position `to` (beyond the last
  // write's when anything was marked), and the removal of what has aged out. The batch must be
  // written to the store before anything else is asked of this; when that fails, or the batch is
  // not to be written, reload().
  void write(StateBatch& batch, Offset to, Time record_time);

  // Forgets what was not written and loads what the store holds: reads every mark. When the store
  // throws, nothing else may be asked until a reload() succeeds.
  void reload();

  // Forgets what was marked since the last write(), whose batch the store has: reads nothing.
  void forget_unwritten();

  // Memory held, about.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Parts;
  StateStore& store_;
  const std::chrono::milliseconds horizon_;
  const DedupeShape shape_;
  [[nodiscard]] Parts& parts() const;
  std::unique_ptr<Parts> parts_;  // null before the first reload(), and after one that failed
};

}  // namespace sluice
