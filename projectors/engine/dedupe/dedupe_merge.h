#pragma once

// Makes one run of several of a segment, a bounded number of marks at a time. Until it is finished
// the inputs stay as they are; an output that a crash left unfinished has no record and is erased.

#include <memory>
#include <vector>

#include "projectors/engine/dedupe/dedupe_run.h"

namespace sluice::dedupe {

class Merge {
 public:
  // Runs from older to newer, neighbours in one segment. They must outlive this.
  Merge(StateStore& store, std::vector<const Run*> inputs, std::uint64_t output,
        std::size_t page_marks);

  // Merges up to `marks`; returns how many.
  std::size_t step(std::size_t marks, StateBatch& batch);
  [[nodiscard]] bool done() const { return heads_.empty(); }
  // When done: the output, which takes the inputs' place.
  [[nodiscard]] std::unique_ptr<Run> finish(StateBatch& batch);
  void abandon(StateBatch& batch) const { erase_pages(output_.id(), batch); }

  [[nodiscard]] std::size_t bytes() const;

  [[nodiscard]] const std::vector<const Run*>& inputs() const { return inputs_; }
  [[nodiscard]] std::uint64_t segment() const { return inputs_.front()->record().segment; }

 private:
  struct Head {
    EventId id;
    std::size_t input = 0;
  };
  static bool later(const Head& a, const Head& b);

  std::vector<const Run*> inputs_;
  std::vector<RunReader> readers_;
  std::vector<Head> heads_;  // a heap: of the smallest id the newest mark in front
  RunWriter output_;
  EventId last_;
  bool any_ = false;
};

}  // namespace sluice::dedupe
