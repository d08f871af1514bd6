#include "tests/contract/state_store_contract.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/contract/state_model.h"
#include "tests/contract/state_rows.h"

namespace sluice::testing {
namespace {

void check_same(StateStore& store, const std::pair<std::string, std::string>& row) {
  const bool found = get(store, row.first) == row.second;
  CHECK(found);
}

void require_read(StateStore& store, std::string_view key, const std::string& value) {
  REQUIRE(get(store, key) == value);
}

void a_key_changes(const MakeState& make) {
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

void the_later_change_of_a_batch_wins(const MakeState& make) {
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

void a_range_is_erased(const MakeState& make) {
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

void keys_and_values_are_bytes(const MakeState& make) {
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
  for (const auto& row : all) check_same(store, row);
}

void cleared_it_is_empty(const MakeState& make) {
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

// Is read by another thread while the store goes on.
void a_snapshot_stays_what_it_was(const MakeState& make) {
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

void a_scan_goes_over_its_range(const MakeState& make) {
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

void a_cursor_shows_what_was(const MakeState& make) {
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

void what_is_written_is_read(const MakeState& make) {
  const auto state = make();
  StateStore& store = state->store();
  for (int i = 0; i < 500; ++i) {
    put_all(store, {{"counter", std::to_string(i)}});
    require_read(store, "counter", std::to_string(i));
  }
  CHECK(rows_of(store).size() == 1);
}

void reopened_it_has_what_was_written(const MakeState& make) {
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

void it_agrees_with_a_map(const MakeState& make) {
  const int seed = GENERATE(take(6, random(0, std::numeric_limits<int>::max())));
  INFO("seed " << seed);
  const auto state = make();
  StateModel model(static_cast<unsigned>(seed));
  for (int i = 0; i < 150; ++i) {
    model.change(state->store());
    if (model.below(60) == 0) model.clear(state->store());
    if (model.below(30) == 0) state->reopen();
    if (model.below(10) == 0) model.compare(state->store());
  }
  model.compare(state->store());
}

}  // namespace

void state_store_contract(const MakeState& make) {
  SECTION("a key is absent, put, overwritten, empty, erased") { a_key_changes(make); }
  SECTION("of one batch the later change of a key wins") { the_later_change_of_a_batch_wins(make); }
  SECTION(
      "a range is erased from its first key up to, not with, its last; an inverted one is empty") {
    a_range_is_erased(make);
  }
  SECTION("keys and values are bytes") { keys_and_values_are_bytes(make); }
  SECTION("cleared it is empty, stays so, and takes rows again") { cleared_it_is_empty(make); }
  SECTION("a snapshot stays what it was, for a thread of its own") {
    a_snapshot_stays_what_it_was(make);
  }
  SECTION("a scan goes over [from, to) in byte order; without an end to the last key") {
    a_scan_goes_over_its_range(make);
  }
  SECTION("a cursor shows the state as it was, whatever is written meanwhile") {
    a_cursor_shows_what_was(make);
  }
  SECTION("what is written is read at once, also through many batches of one key") {
    what_is_written_is_read(make);
  }
  SECTION("reopened, it has what was written and what was erased") {
    reopened_it_has_what_was_written(make);
  }
  SECTION("it agrees with a map through random changes and restarts") {
    it_agrees_with_a_map(make);
  }
}

}  // namespace sluice::testing
