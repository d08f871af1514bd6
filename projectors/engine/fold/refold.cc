#include "projectors/engine/fold/refold.h"

namespace sluice {
namespace {

Generation with_index(Generation generation, bool index) {
  generation.key_index = index;
  return generation;
}

}  // namespace

Refold::Refold(const Projection& projection, const Generation& generation, Partition partition,
               RefoldMemory memory, StateStore& store)
    : memory_(memory.rows),
      store_(store),
      fold_(projection, with_index(generation, memory.key_index), partition, store,
            {.filter_bytes_max = memory.filters}) {
  fold_.load();
}

bool Refold::fold(const LogRecord& record) {
  if (!fold_.fold(record, Emits::dropped)) return false;
  if (fold_.wants_write() || fold_.state().bytes() + fold_.outcomes().bytes > memory_)
    write_state();
  return true;
}

void Refold::write_state() {
  batch_.clear();
  fold_.write(batch_);
  store_.write(batch_);
  const std::vector<Decision>& decided = fold_.outcomes().decisions;
  decisions_.insert(decisions_.end(), decided.begin(), decided.end());
  fold_.written();
  fold_.tables().shrink_to(memory_ / 2);
}

}  // namespace sluice
