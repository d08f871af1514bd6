#include "tests/contract/state_rows.h"

namespace sluice::testing {

StateRows rows_of(StateCursor& cursor) {
  StateRows rows;
  for (; cursor.valid(); cursor.next()) rows.emplace_back(cursor.key(), cursor.value());
  return rows;
}

StateRows rows_of(StateStore& store, std::string_view from, std::string_view to) {
  return rows_of(*store.scan(from, to));
}

std::optional<std::string> get(StateStore& store, std::string_view key) {
  std::string value = "what was there before";
  if (!store.get(key, value)) return std::nullopt;
  return value;
}

void put_all(StateStore& store, const StateRows& rows) {
  StateBatch batch;
  for (const auto& [key, value] : rows) batch.put(key, value);
  store.write(batch);
}

}  // namespace sluice::testing
