#include "projectors/engine/dedupe/dedupe_merge.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice::dedupe {

Merge::Merge(StateStore& store, std::vector<const Run*> inputs, std::uint64_t output,
             std::size_t page_marks)
    : inputs_(std::move(inputs)), output_(output, page_marks) {
  CHECK(inputs_.size() > 1, "one run needs no merge");
  for (const Run* run : inputs_) {
    readers_.emplace_back(store, *run);
    heads_.push_back({readers_.back().mark().id, readers_.size() - 1});
  }
  std::make_heap(heads_.begin(), heads_.end(), later);
}

bool Merge::later(const Head& a, const Head& b) {
  return a.id != b.id ? a.id > b.id : a.input < b.input;
}

std::size_t Merge::step(std::size_t marks, StateBatch& batch) {
  std::size_t merged = 0;
  for (; merged < marks && !heads_.empty(); ++merged) {
    std::pop_heap(heads_.begin(), heads_.end(), later);
    Head& head = heads_.back();
    RunReader& reader = readers_[head.input];
    // The newest mark of an id comes first; it makes the older ones void.
    if (!any_ || head.id != last_) {
      output_.add(reader.mark(), batch);
    }
    any_ = true;
    last_ = head.id;
    reader.next();
    if (reader.valid()) {
      head.id = reader.mark().id;
      std::push_heap(heads_.begin(), heads_.end(), later);
    } else {
      heads_.pop_back();
    }
  }
  return merged;
}

std::size_t Merge::bytes() const {
  std::size_t bytes = sizeof(Merge) + output_.bytes();
  for (const RunReader& reader : readers_) {
    bytes += reader.bytes();
  }
  return bytes;
}

std::unique_ptr<Run> Merge::finish(StateBatch& batch) {
  CHECK(done(), "a merge is finished when its inputs are");
  RunRecord record = inputs_.back()->record();
  record.oldest_ms = inputs_.front()->record().oldest_ms;
  for (const Run* run : inputs_) {
    record.level = std::max(record.level, run->record().level);
    erase_run(run->id(), batch);
  }
  ++record.level;
  return output_.finish(record, batch);
}

}  // namespace sluice::dedupe
