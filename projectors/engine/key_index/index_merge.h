#pragma once

// Makes one run of neighbouring ones, a bounded number of entries at a time. Until it is finished
// its inputs stay as they are; what a crash leaves of an output has an unfinished record.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "projectors/engine/key_index/index_run.h"

namespace sluice::key_index {

class Merge {
 public:
  // Runs in the order of what they span, which are in the store. Puts the unfinished record of the
  // output into the batch.
  Merge(StateStore& store, std::vector<Run> inputs, std::uint64_t output, std::size_t page_bytes,
        StateBatch& batch);

  // Merges up to so many entries.
  void step(std::size_t entries, StateBatch& batch);
  [[nodiscard]] bool done() const { return heads_.empty(); }
  // When done: the output, which takes the inputs' place.
  [[nodiscard]] Run finish(StateBatch& batch);

  [[nodiscard]] const std::vector<Run>& inputs() const { return inputs_; }
  [[nodiscard]] std::uint64_t level() const { return inputs_.front().record.level; }

 private:
  struct Head {
    std::uint64_t hash = 0;
    std::size_t input = 0;
  };
  static bool later(const Head& a, const Head& b);
  // DamagedState: what comes next is not behind what came last.
  void require_next(std::uint64_t hash);
  void require_next(Offset offset);

  std::vector<Run> inputs_;
  std::deque<RunReader> readers_;  // which lend views of themselves
  std::vector<Head> heads_;        // a heap: of the smallest hash the earliest run in front
  RunWriter output_;
  std::uint64_t last_hash_ = 0;
  Offset last_offset_;  // of that hash
};

}  // namespace sluice::key_index
