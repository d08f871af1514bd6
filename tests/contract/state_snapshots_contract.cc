#include "tests/contract/state_snapshots_contract.h"

#include <catch2/catch.hpp>

#include "tests/contract/state_rows.h"

namespace sluice::testing {
namespace {

KeptSnapshot at(SnapshotsUnderTest& state, Offset position) {
  for (KeptSnapshot& kept : state.snapshots().list()) {
    if (kept.position == position) return kept;
  }
  FAIL("there is no snapshot at " << position.value);
  return {};
}

void newest_first_as_they_were_made(const MakeSnapshots& make) {
  const auto state = make();
  CHECK(state->snapshots().list().empty());
  for (const std::int64_t position : {9, 100, 20}) state->make(Offset{position});
  const auto all = state->snapshots().list();
  REQUIRE(all.size() == 3);
  std::vector<std::int64_t> positions;
  for (const KeptSnapshot& each : all) {
    CHECK_FALSE(each.fault);
    CHECK_FALSE(each.path.empty());
    CHECK(each.digest.value == static_cast<std::uint64_t>(each.position.value));
    positions.push_back(each.position.value);
  }
  CHECK(positions == std::vector<std::int64_t>{100, 20, 9});
}

void a_restore_puts_it_in_the_place_of_all(const MakeSnapshots& make) {
  const auto state = make();
  put_all(state->store(), {{"a", "1"}, {"b", "1"}});
  state->make(Offset{1});
  put_all(state->store(), {{"b", "2"}, {"c", "2"}});
  state->make(Offset{2});
  put_all(state->store(), {{"d", "3"}});
  for (int again = 0; again < 2; ++again) {
    REQUIRE(state->snapshots().restore(at(*state, Offset{1})));
    CHECK(rows_of(state->store()) == StateRows{{"a", "1"}, {"b", "1"}});
    // What is written from then on is the store's own.
    put_all(state->store(), {{"a", "4"}, {"e", "4"}});
    state->reopen();
    CHECK(rows_of(state->store()) == StateRows{{"a", "4"}, {"b", "1"}, {"e", "4"}});
  }
  REQUIRE(state->snapshots().restore(at(*state, Offset{2})));
  CHECK(rows_of(state->store()) == StateRows{{"a", "1"}, {"b", "2"}, {"c", "2"}});
  state->store().clear();
  CHECK(rows_of(state->store()).empty());
  REQUIRE(state->snapshots().restore(at(*state, Offset{2})));
  state->make(Offset{3});
  CHECK(rows_of(state->store()).size() == 3);
}

StateSnapshots::Brought brought(StateSnapshots& snapshots, const KeptSnapshot& snapshot) {
  auto how = StateSnapshots::Brought::under_way;
  while (how == StateSnapshots::Brought::under_way) how = snapshots.bring(snapshot);
  return how;
}

void what_is_brought_waits_beside_the_store(const MakeSnapshots& make) {
  const auto state = make();
  put_all(state->store(), {{"a", "1"}});
  state->make(Offset{1});
  put_all(state->store(), {{"a", "2"}});
  state->make(Offset{2});
  put_all(state->store(), {{"a", "3"}});
  for (const std::int64_t position : {1, 2}) {
    CHECK(brought(state->snapshots(), at(*state, Offset{position})) ==
          StateSnapshots::Brought::whole);
    CHECK(rows_of(state->store()) == StateRows{{"a", "3"}});
  }
  // The one that was brought last, and one that was not.
  REQUIRE(state->snapshots().restore(at(*state, Offset{2})));
  CHECK(rows_of(state->store()) == StateRows{{"a", "2"}});
  CHECK(brought(state->snapshots(), at(*state, Offset{2})) == StateSnapshots::Brought::whole);
  REQUIRE(state->snapshots().restore(at(*state, Offset{1})));
  CHECK(rows_of(state->store()) == StateRows{{"a", "1"}});
}

void one_that_is_gone_changes_nothing(const MakeSnapshots& make) {
  const auto state = make();
  put_all(state->store(), {{"a", "1"}});
  state->make(Offset{1});
  KeptSnapshot other = at(*state, Offset{1});
  other.path += "7";
  CHECK(brought(state->snapshots(), other) == StateSnapshots::Brought::torn);
  CHECK_FALSE(state->snapshots().restore(other));
  CHECK(rows_of(state->store()) == StateRows{{"a", "1"}});
}

}  // namespace

void state_snapshots_contract(const MakeSnapshots& make) {
  SECTION("they are listed newest first, as they were made") {
    newest_first_as_they_were_made(make);
  }
  SECTION("a restore puts one in the place of all that there is") {
    a_restore_puts_it_in_the_place_of_all(make);
  }
  SECTION("what is brought waits beside the store") {
    what_is_brought_waits_beside_the_store(make);
  }
  SECTION("one that is gone changes nothing") { one_that_is_gone_changes_nothing(make); }
}

}  // namespace sluice::testing
