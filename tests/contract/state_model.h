#pragma once

#include <map>
#include <random>
#include <string>

#include "storage/state_store.h"

namespace sluice::testing {

// A store and a map meet the same random changes; every key and some ranges must read alike.
class StateModel {
 public:
  explicit StateModel(unsigned seed) : random_(seed) {}

  // Of both, in one batch.
  void change(StateStore& store);
  void clear(StateStore& store);
  // Fails the test where they differ.
  void compare(StateStore& store);

  // From 0 up to, not with, `bound`: the seed's next number.
  int below(int bound);

 private:
  void change_one(StateBatch& batch);
  // A key and a range.
  void compare_some(StateStore& store);
  std::string some_key();

  std::mt19937 random_;
  std::map<std::string, std::string> rows_;
};

}  // namespace sluice::testing
