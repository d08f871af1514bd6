#include "projectors/engine/key_index/index_merge.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice::key_index {

Merge::Merge(StateStore& store, std::vector<Run> inputs, std::uint64_t output,
             std::size_t page_bytes, StateBatch& batch)
    : inputs_(std::move(inputs)), output_(output, page_bytes) {
  CHECK(inputs_.size() > 1, "one run needs no merge");
  for (const Run& run : inputs_) {
    readers_.emplace_back(store, run);
    if (readers_.back().valid()) {
      heads_.push_back({readers_.back().entry().hash, readers_.size() - 1});
    }
  }
  std::make_heap(heads_.begin(), heads_.end(), later);
  put_record({output, {.unfinished = 1}}, batch);
}

bool Merge::later(const Head& a, const Head& b) {
  return a.hash != b.hash ? a.hash > b.hash : a.input > b.input;
}

void Merge::step(std::size_t entries, StateBatch& batch) {
  std::size_t merged = 0;
  while (merged < entries && !heads_.empty()) {
    std::pop_heap(heads_.begin(), heads_.end(), later);
    Head& head = heads_.back();
    RunReader& reader = readers_[head.input];
    require_next(head.hash);
    // All of a hash: the heap is asked once a key, not once a record.
    for (; reader.valid() && reader.entry().hash == head.hash && merged < entries; ++merged) {
      require_next(reader.entry().posting.offset);
      output_.add(reader.entry(), batch);
      reader.next();
    }
    if (reader.valid()) {
      head.hash = reader.entry().hash;
      std::push_heap(heads_.begin(), heads_.end(), later);
    } else {
      heads_.pop_back();
    }
  }
}

// The runs come from the store, which may be damaged; what is written ascends.
void Merge::require_next(std::uint64_t hash) {
  if (hash < last_hash_) throw DamagedState("key index: the entries of a run do not ascend");
  if (hash != last_hash_) last_offset_ = {};
  last_hash_ = hash;
}

void Merge::require_next(Offset offset) {
  if (offset < last_offset_) throw DamagedState("key index: runs are of the same records");
  last_offset_ = offset;
}

Run Merge::finish(StateBatch& batch) {
  CHECK(done(), "a merge is finished when its inputs are");
  for (const Run& run : inputs_) erase_run(run, batch);
  return output_.finish(
      {.level = level() + 1, .from = inputs_.front().record.from, .to = inputs_.back().record.to},
      batch);
}

}  // namespace sluice::key_index
