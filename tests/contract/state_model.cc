#include "tests/contract/state_model.h"

#include <catch2/catch.hpp>
#include <optional>

#include "tests/contract/state_rows.h"

namespace sluice::testing {

void StateModel::change(StateStore& store) {
  StateBatch batch;
  for (int i = below(8); i >= 0; --i) change_one(batch);
  store.write(batch);
}

void StateModel::change_one(StateBatch& batch) {
  const std::string key = some_key();
  switch (below(5)) {
    case 0:
      batch.erase(key);
      rows_.erase(key);
      break;
    case 1: {
      const std::string to = some_key();
      batch.erase_range(key, to);
      if (key < to) rows_.erase(rows_.lower_bound(key), rows_.lower_bound(to));
      break;
    }
    default: {
      const std::string value = std::to_string(below(1'000'000));
      batch.put(key, value);
      rows_[key] = value;
    }
  }
}

void StateModel::clear(StateStore& store) {
  store.clear();
  rows_.clear();
}

void StateModel::compare(StateStore& store) {
  CHECK(rows_of(store) == StateRows(rows_.begin(), rows_.end()));
  for (int i = 0; i < 20; ++i) compare_some(store);
}

void StateModel::compare_some(StateStore& store) {
  const std::string key = some_key();
  const auto found = rows_.find(key);
  CHECK(get(store, key) == (found == rows_.end() ? std::nullopt : std::optional(found->second)));
  const std::string to = some_key();
  const StateRows expected =
      key < to ? StateRows(rows_.lower_bound(key), rows_.lower_bound(to)) : StateRows();
  CHECK(rows_of(store, key, to) == expected);
}

int StateModel::below(int bound) {
  return std::uniform_int_distribution<int>(0, bound - 1)(random_);
}

std::string StateModel::some_key() {
  std::string key;
  for (int i = below(3); i >= 0; --i)
    key.push_back(
        "\x00"
        "ab\xff"[below(4)]);
  return key;
}

}  // namespace sluice::testing
