#pragma once

// What a domain may have computed off the fold: rows that cost much, of one key, a pure function of
// the state's rows. Found by the engine as `static const Computed& computed()` of the projection.

#include <google/protobuf/message.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "projectors/engine/tables/stored_rows.h"
#include "storage/base/position.h"
#include "storage/flush_batch.h"
#include "storage/state_store.h"

namespace sluice {

// Of a computation that is done.
struct ComputedAt {
  Offset as_of;      // the position whose state it was computed from
  Time computed_at;  // by the wall clock
  std::chrono::milliseconds elapsed{0};
};

// One key's, used by one thread at a time, in this order of calls.
class Computation {
 public:
  virtual ~Computation() = default;

  // Reads what it is computed from; `state` is not used afterwards. False when stopped, soon after.
  // Throws Corrupt when the rows make no sense.
  [[nodiscard]] virtual bool read(const StateSnapshot& state, const std::stop_token& stop) = 0;
  // False when stopped.
  [[nodiscard]] virtual bool compute(const std::stop_token& stop) = 0;
  // Of every computed table of the domain, those without rows too.
  [[nodiscard]] virtual ComputedRows rows(const ComputedAt& at) = 0;
};

// What a row of the watched table says of its key.
struct Demand {
  std::string_view key;  // borrowed from the row
  Offset changed_at;  // the position behind the last record that changed the key's input; 0: none
  std::uint64_t size = 0;  // about what it costs grows with this
  bool waits = false;      // while it does, nothing is computed, whatever has changed
  // How much of the input has changed so far, in the unit of `size`: little that has changed since
  // a key was computed waits for more. nullopt: every change is computed as soon as it may be.
  std::optional<std::uint64_t> changes = std::nullopt;
};

struct Computed {
  // The table whose rows tell: one a key, which whatever changes the key's input changes.
  const google::protobuf::Descriptor& watched;
  Demand (*demand)(const google::protobuf::Message& row);
  std::unique_ptr<Computation> (*make)(std::string_view key);
};

}  // namespace sluice
