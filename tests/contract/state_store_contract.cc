#include "tests/contract/state_store_contract.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <thread>

#include "tests/contract/state_model.h"
#include "tests/contract/state_rows.h"

namespace sluice::testing {
namespace {

// Is read by another thread while the store goes on.
void state_snapshot_contract(const MakeState& make) {
  const auto state = make();
  StateStore& store = state->store();
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

void state_changes_contract(const MakeState& make) {
  SECTION("a key is absent, put, overwritten, empty, erased") {
    const auto state = make();
    StateStore& store = state->store();
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
    const auto state = make();
    StateStore& store = state->store();
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
    const auto state = make();
    StateStore& store = state->store();
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
    const auto state = make();
    StateStore& store = state->store();
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
    const auto state = make();
    put_all(state->store(), {{"", "1"}, {"a", "2"}, {"\xff\xff\xff", "3"}});
    const auto before = state->store().scan({}, {});
    state->store().clear();
    CHECK(rows_of(state->store()).empty());
    CHECK_FALSE(get(state->store(), "a"));
    CHECK(rows_of(*before).size() == 3);
    put_all(state->store(), {{"b", "new"}});
    CHECK(rows_of(state->store()) == StateRows{{"b", "new"}});
    state->store().clear();
    state->store().clear();
    CHECK(rows_of(state->store()).empty());
  }
}

void state_scan_contract(const MakeState& make) {
  SECTION("a scan goes over [from, to) in byte order; without an end to the last key") {
    const auto state = make();
    StateStore& store = state->store();
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
    const auto state = make();
    StateStore& store = state->store();
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
    const auto state = make();
    StateStore& store = state->store();
    for (int i = 0; i < 500; ++i) {
      put_all(store, {{"counter", std::to_string(i)}});
      REQUIRE(get(store, "counter") == std::to_string(i));
    }
    CHECK(rows_of(store).size() == 1);
  }
}

void state_kept_contract(const MakeState& make) {
  SECTION("reopened, it has what was written and what was erased") {
    const auto state = make();
    put_all(state->store(), {{"a", "1"}, {"b", "2"}, {"c", "3"}});
    StateBatch batch;
    batch.erase_range("a", "b");
    batch.put("b", "22");
    state->store().write(batch);
    state->reopen();
    CHECK(rows_of(state->store()) == StateRows{{"b", "22"}, {"c", "3"}});
    state->store().clear();
    state->reopen();
    CHECK(rows_of(state->store()).empty());
  }

  SECTION("it agrees with a map through random changes and restarts") {
    const unsigned seed = GENERATE(take(6, random(0, std::numeric_limits<int>::max())));
    INFO("seed " << seed);
    const auto state = make();
    StateModel model(seed);
    for (int i = 0; i < 150; ++i) {
      model.change(state->store());
      if (model.below(60) == 0) model.clear(state->store());
      if (model.below(30) == 0) state->reopen();
      if (model.below(10) == 0) model.compare(state->store());
    }
    model.compare(state->store());
  }
}

}  // namespace

void state_store_contract(const MakeState& make) {
  state_changes_contract(make);
  SECTION("a snapshot stays what it was, for a thread of its own") {
    state_snapshot_contract(make);
  }
  state_scan_contract(make);
  state_kept_contract(make);
}

}  // namespace sluice::testing
