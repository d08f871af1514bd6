#include "tests/contract/view_monitor_contract.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace sluice::testing {
namespace {

constexpr int kGeneration = 1;

std::vector<int> unowned(SinkUnderTest& world, const std::string& projection = "shapes") {
  std::vector<int> partitions;
  for (const UnownedPartition& each : world.monitor().unowned({{projection}})) {
    CHECK(each.projection == projection);
    CHECK(each.generation == kGeneration);
    partitions.push_back(each.partition.value);
  }
  return partitions;
}

void owners_are_spoken_for(const MakeSink& make) {
  const auto world = make();
  const Partition partition{0};
  world->sink().claim(partition, "me");
  const LogProgress word{partition, Offset{40}, "me", "waits"};
  world->monitor().speak_for("shapes", kGeneration, {&word, 1});
  CHECK(world->log_end(partition) == 40);
  CHECK(world->trouble(partition) == "waits");
  const auto view = world->sink().position(partition);
  REQUIRE(view);
  CHECK(view->owner == "me");
  CHECK(view->position == Offset{0});
  CHECK(view->silent < kOwnerGone);
  // The owner goes on where it was.
  const LogProgress own{partition, Offset{41}, "me", ""};
  CHECK(world->sink().show_progress({&own, 1}).at(0));
  CHECK(world->trouble(partition).empty());
}

void a_newer_owner_is_not_spoken_over(const MakeSink& make) {
  const auto world = make();
  const Partition partition{1};
  world->sink().claim(partition, "me");
  world->sink().claim(partition, "you");
  const LogProgress own{partition, Offset{5}, "you", "mine"};
  CHECK(world->sink().show_progress({&own, 1}).at(0));
  const LogProgress word{partition, Offset{40}, "me", "waits"};
  world->monitor().speak_for("shapes", kGeneration, {&word, 1});
  CHECK(world->log_end(partition) == 5);
  CHECK(world->trouble(partition) == "mine");
  CHECK(world->contender(partition) == "waits");
  CHECK(world->sink().position(partition)->owner == "you");
}

void who_let_go_stays_gone(const MakeSink& make) {
  const auto world = make();
  const Partition partition{2};
  world->sink().claim(partition, "me");
  LogProgress word{partition, Offset{7}, "me", ""};
  word.leaves = true;
  static_cast<void>(world->sink().show_progress({&word, 1}));
  word.leaves = false;
  world->monitor().speak_for("shapes", kGeneration, {&word, 1});
  CHECK(world->sink().position(partition)->silent >= kOwnerGone);
  CHECK(unowned(*world) == std::vector{0, 1, 2});
  CHECK(world->sink().claim(partition, "you").silent < kOwnerGone);
  CHECK(unowned(*world) == std::vector{0, 1});
}

void partitions_without_owner_are_named(const MakeSink& make) {
  const auto world = make();
  CHECK(unowned(*world) == std::vector{0, 1, 2});
  world->sink().claim(Partition{1}, "me");
  CHECK(unowned(*world) == std::vector{0, 2});
  CHECK(unowned(*world, "other").empty());
  CHECK(world->monitor().unowned({}).empty());
}

void what_nobody_has_is_told_with_how_it_stands(const MakeSink& make) {
  const auto world = make();
  const Partition partition{1};
  world->sink().claim(partition, "me");
  LogProgress word{partition, Offset{9}, "me", ""};
  word.unseen = std::chrono::seconds(90);
  word.leaves = true;
  static_cast<void>(world->sink().show_progress({&word, 1}));
  const auto all = world->monitor().unowned({{std::string("shapes")}});
  REQUIRE(all.size() == 3);
  CHECK_FALSE(all[0].freshness);
  CHECK(all[1].position == Offset{0});
  CHECK(all[1].log_end == Offset{9});
  REQUIRE(all[1].freshness);
  CHECK(*all[1].freshness >= std::chrono::seconds(90));
  CHECK(*all[1].freshness < std::chrono::seconds(150));
}

void sessions_that_wait_for_no_lock_are_left_out(const MakeSink& make) {
  const auto world = make();
  CHECK(world->monitor().locks({}).empty());
  CHECK(world->monitor().locks({{std::string("nobody")}}).empty());
}

}  // namespace

void view_monitor_contract(const MakeSink& make) {
  SECTION("owners are spoken for") { owners_are_spoken_for(make); }
  SECTION("a newer owner is not spoken over") { a_newer_owner_is_not_spoken_over(make); }
  SECTION("who let go stays gone") { who_let_go_stays_gone(make); }
  SECTION("partitions without owner are named") { partitions_without_owner_are_named(make); }
  SECTION("what nobody has is told with how it stands") {
    what_nobody_has_is_told_with_how_it_stands(make);
  }
  SECTION("sessions that wait for no lock are left out") {
    sessions_that_wait_for_no_lock_are_left_out(make);
  }
}

}  // namespace sluice::testing
