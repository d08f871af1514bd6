#pragma once

#include <string>

#include "storage/state_store.h"

namespace sluice::testing {

constexpr int kKeysPerBatch = 50;

inline std::string numbered(std::string_view name, int number) {
  return std::string(name).append(std::to_string(number));
}

inline std::string batch_value(int number) { return numbered(std::string(200, 'x'), number); }

// A batch says its number in each of its keys, so that half a batch would show, and leaves a mark.
inline void put_numbered_batch(StateStore& store, int number) {
  StateBatch batch;
  for (int key = 0; key < kKeysPerBatch; ++key) batch.put(numbered("k", key), batch_value(number));
  batch.put(numbered("batch ", number), "");
  store.write(batch);
}

}  // namespace sluice::testing
