#pragma once

// What every state store keeps (storage/state_store.h), as one suite for all of them.
//
//   TEST_CASE("the state in memory keeps the contract") {
//   state_store_contract<MemoryStateUnderTest>(); }
//
// runs it, where the technology under test is
//
//   struct MemoryStateUnderTest {
//     StateStore& store();  // empty at first
//     void reopen();        // as after a restart: store() is another handle on the same state
//   };

#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/state_store.h"

namespace sluice::testing {

using StateRows = std::vector<std::pair<std::string, std::string>>;

inline StateRows rows_of(StateCursor& cursor) {
  StateRows rows;
  for (; cursor.valid(); cursor.next()) rows.emplace_back(cursor.key(), cursor.value());
  return rows;
}

inline StateRows rows_of(StateStore& store, std::string_view from = {}, std::string_view to = {}) {
  return rows_of(*store.scan(from, to));
}

inline std::optional<std::string> get(StateStore& store, std::string_view key) {
  std::string value = "what was there before";
  if (!store.get(key, value)) return std::nullopt;
  return value;
}

inline void put_all(StateStore& store, const StateRows& rows) {
  StateBatch batch;
  for (const auto& [key, value] : rows) batch.put(key, value);
  store.write(batch);
}

// Is read by another thread while the store goes on.
template <class State>
void state_snapshot_contract() {
  State state;
  StateStore& store = state.store();
  put_all(store, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  std::unique_ptr<StateSnapshot> first = store.snapshot();
  StateBatch batch;
  batch.put("a", "2");
  batch.erase("b");
  batch.put("d", "2");
  store.write(batch);
  const std::unique_ptr<StateSnapshot> second = store.snapshot();
  std::jthread writer([&] {
    for (const char* value : {"3", "4", "5"}) put_all(store, {{"a", value}, {"e", value}});
  });
  const StateRows before = rows_of(*first->scan({}, {}));
  const StateRows part = rows_of(*first->scan("b", "c"));
  const StateRows after = rows_of(*second->scan({}, {}));
  writer.join();
  CHECK(before == StateRows{{"a", "1"}, {"b", "1"}, {"c", "1"}});
  CHECK(part == StateRows{{"b", "1"}});
  CHECK(after == StateRows{{"a", "2"}, {"c", "1"}, {"d", "2"}});
  first.reset();
  CHECK(get(store, "e") == "5");
  CHECK(rows_of(*second->scan({}, {})) == after);
}

template <class State>
void state_changes_contract() {
  SECTION("a key is absent, put, overwritten, empty, erased") {
    State state;
    StateStore& store = state.store();
    StateBatch batch;
    CHECK_FALSE(get(store, "k"));
    put_all(store, {{"k", "one"}, {"l", "other"}});
    CHECK(get(store, "k") == "one");
    put_all(store, {{"k", "two"}});
    CHECK(get(store, "k") == "two");
    put_all(store, {{"k", ""}});
    CHECK(get(store, "k") == "");
    batch.erase("k");
    batch.erase("never there");
    store.write(batch);
    CHECK_FALSE(get(store, "k"));
    CHECK(get(store, "l") == "other");
    store.write({});
    CHECK(rows_of(store) == StateRows{{"l", "other"}});
  }

  SECTION("of one batch the later change of a key wins") {
    State state;
    StateStore& store = state.store();
    put_all(store, {{"c", "old"}, {"d", "old"}, {"e", "old"}, {"z", "old"}});
    StateBatch batch;
    batch.put("a", "1");
    batch.put("a", "2");
    batch.put("b", "1");
    batch.erase("b");
    batch.erase("c");
    batch.put("c", "new");
    batch.put("d5", "1");
    batch.erase_range("d", "e");
    batch.put("d7", "kept");
    batch.erase_range("y", "zz");
    batch.put("z", "back");
    store.write(batch);
    CHECK(rows_of(store) ==
          StateRows{{"a", "2"}, {"c", "new"}, {"d7", "kept"}, {"e", "old"}, {"z", "back"}});
    CHECK_FALSE(get(store, "d5"));
    CHECK_FALSE(get(store, "d"));
  }

  SECTION(
      "a range is erased from its first key up to, not with, its last; an inverted one is empty") {
    State state;
    StateStore& store = state.store();
    const StateRows all = {{"a", "1"}, {"b", "2"}, {"b0", "3"}, {"c", "4"}};
    put_all(store, all);
    StateBatch batch;
    batch.erase_range("b", "b");
    batch.erase_range("c", "a");
    store.write(batch);
    CHECK(rows_of(store) == all);
    batch.clear();
    batch.erase_range("b", "c");
    store.write(batch);
    CHECK(rows_of(store) == StateRows{{"a", "1"}, {"c", "4"}});
    CHECK_FALSE(get(store, "b0"));
    put_all(store, {{"b0", "again"}});
    CHECK(get(store, "b0") == "again");
  }

  SECTION("keys and values are bytes") {
    State state;
    StateStore& store = state.store();
    const std::string nul("\0", 1);
    const StateRows all = {{"", "empty key"}, {nul, nul},
                           {nul + nul, "2"},  {nul + "a", ""},
                           {"a", nul + "a"},  {"a" + nul, std::string(1'000'000, '\xff')},
                           {"\x7f", "7f"},    {"\x80", "80"},
                           {"\xff", "ff"},    {"\xff\xff", "last"}};
    put_all(store, StateRows(all.rbegin(), all.rend()));
    const bool same = rows_of(store) == all;
    CHECK(same);
    for (const auto& [key, value] : all) {
      const bool found = get(store, key) == value;
      CHECK(found);
    }
  }

  SECTION("cleared it is empty, stays so, and takes rows again") {
    State state;
    put_all(state.store(), {{"", "1"}, {"a", "2"}, {"\xff\xff\xff", "3"}});
    const auto before = state.store().scan({}, {});
    state.store().clear();
    CHECK(rows_of(state.store()).empty());
    CHECK_FALSE(get(state.store(), "a"));
    CHECK(rows_of(*before).size() == 3);
    put_all(state.store(), {{"b", "new"}});
    CHECK(rows_of(state.store()) == StateRows{{"b", "new"}});
    state.store().clear();
    state.store().clear();
    CHECK(rows_of(state.store()).empty());
  }
}

template <class State>
void state_scan_contract() {
  SECTION("a scan goes over [from, to) in byte order; without an end to the last key") {
    State state;
    StateStore& store = state.store();
    put_all(store, {{"a", "1"}, {"b", "2"}, {"b1", "3"}, {"c", "4"}, {"\xff", "5"}});
    CHECK(rows_of(store, "b", "c") == StateRows{{"b", "2"}, {"b1", "3"}});
    CHECK(rows_of(store, "b0", "c0") == StateRows{{"b1", "3"}, {"c", "4"}});
    CHECK(rows_of(store, "c", {}) == StateRows{{"c", "4"}, {"\xff", "5"}});
    CHECK(rows_of(store, {}, "b") == StateRows{{"a", "1"}});
    CHECK(rows_of(store).size() == 5);
    CHECK(rows_of(store, "d", "e").empty());
    CHECK(rows_of(store, "c", "a").empty());
    CHECK(rows_of(store, "b", "b").empty());
    CHECK(rows_of(store, "\xff\xff", {}).empty());
  }

  SECTION("a cursor shows the state as it was, whatever is written meanwhile") {
    State state;
    StateStore& store = state.store();
    const StateRows before = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
    put_all(store, before);
    const auto cursor = store.scan({}, {});
    const auto other = store.scan("b", "d");
    REQUIRE(cursor->valid());
    const std::string_view key = cursor->key();
    const std::string_view value = cursor->value();
    StateBatch batch;
    batch.erase("a");
    batch.put("aa", "new");
    batch.put("b", "changed");
    batch.erase_range("c", "d");
    store.write(batch);
    // Borrowed until next(), also across the write.
    CHECK(key == "a");
    CHECK(value == "1");
    CHECK(rows_of(*cursor) == before);
    CHECK(rows_of(*other) == StateRows{{"b", "2"}, {"c", "3"}});
    CHECK(rows_of(store) == StateRows{{"aa", "new"}, {"b", "changed"}, {"d", "4"}});
  }

  SECTION("what is written is read at once, also through many batches of one key") {
    State state;
    StateStore& store = state.store();
    for (int i = 0; i < 500; ++i) {
      put_all(store, {{"counter", std::to_string(i)}});
      REQUIRE(get(store, "counter") == std::to_string(i));
    }
    CHECK(rows_of(store).size() == 1);
  }
}

// A store and a map meet the same random changes; every key and some ranges must read alike.
class StateModel {
 public:
  explicit StateModel(unsigned seed) : random_(seed) {}

  void change(StateStore& store) {
    StateBatch batch;
    for (int i = below(8); i >= 0; --i) {
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
    store.write(batch);
  }

  void clear(StateStore& store) {
    store.clear();
    rows_.clear();
  }

  void compare(StateStore& store) {
    CHECK(rows_of(store) == StateRows(rows_.begin(), rows_.end()));
    for (int i = 0; i < 20; ++i) {
      const std::string key = some_key();
      const auto found = rows_.find(key);
      CHECK(get(store, key) ==
            (found == rows_.end() ? std::nullopt : std::optional(found->second)));
      const std::string to = some_key();
      const StateRows expected =
          key < to ? StateRows(rows_.lower_bound(key), rows_.lower_bound(to)) : StateRows();
      CHECK(rows_of(store, key, to) == expected);
    }
  }

  int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

 private:
  std::string some_key() {
    std::string key;
    for (int i = below(3); i >= 0; --i)
      key.push_back(
          "\x00"
          "ab\xff"[below(4)]);
    return key;
  }

  std::mt19937 random_;
  std::map<std::string, std::string> rows_;
};

template <class State>
void state_kept_contract() {
  SECTION("reopened, it has what was written and what was erased") {
    State state;
    put_all(state.store(), {{"a", "1"}, {"b", "2"}, {"c", "3"}});
    StateBatch batch;
    batch.erase_range("a", "b");
    batch.put("b", "22");
    state.store().write(batch);
    state.reopen();
    CHECK(rows_of(state.store()) == StateRows{{"b", "22"}, {"c", "3"}});
    state.store().clear();
    state.reopen();
    CHECK(rows_of(state.store()).empty());
  }

  SECTION("it agrees with a map through random changes and restarts") {
    const unsigned seed = GENERATE(take(6, random(0, std::numeric_limits<int>::max())));
    INFO("seed " << seed);
    State state;
    StateModel model(seed);
    for (int i = 0; i < 150; ++i) {
      model.change(state.store());
      if (model.below(60) == 0) model.clear(state.store());
      if (model.below(30) == 0) state.reopen();
      if (model.below(10) == 0) model.compare(state.store());
    }
    model.compare(state.store());
  }
}

template <class State>
void state_store_contract() {
  state_changes_contract<State>();
  SECTION("a snapshot stays what it was, for a thread of its own") {
    state_snapshot_contract<State>();
  }
  state_scan_contract<State>();
  state_kept_contract<State>();
}

}  // namespace sluice::testing
