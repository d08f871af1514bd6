#pragma once

// Which event ids a partition has seen within a horizon of record time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "storage/position.h"
#include "storage/state_store.h"

namespace sluice {

// A hash of an event's key and id, wide enough that two ids are never taken for one.
struct EventId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

// One a partition, used by its worker's thread. Keys in the store begin with 'd'.
class DedupeWindow {
 public:
  // Loads what the store holds. The store must outlive this.
  DedupeWindow(StateStore& store, std::chrono::milliseconds horizon);
  ~DedupeWindow();

  // What mark() was told of the id's content, when it was marked at a record time later than
  // `record_time` - horizon; by the mark's own time, whatever has been purged.
  [[nodiscard]] std::optional<std::uint64_t> seen(EventId id, Time record_time);

  void mark(EventId id, std::uint64_t content, Time record_time);

  // Adds what was marked since the last write to the batch, as of position `to`, and the removal of
  // what has aged out.
  void write(StateBatch& batch, Offset to, Time record_time);

  // Forgets what was not written and loads what the store holds.
  void reload();

  // Memory held, about.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice
