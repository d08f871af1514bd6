// Audits of a partition: whatever happens to it, rows that somebody changed are found, each of
// them, and no others.

#include "projectors/engine/audit/partition_audit.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/base/errors.h"
#include "storage/memory/memory_audit.h"
#include "tests/simulation/audited_world.h"
#include "tests/simulation/two_sides.h"

namespace sluice {
namespace {

constexpr int kSeeds = 60;

// Of a tally of one record, which cannot be read.
struct LoneAudit {
  explicit LoneAudit(const std::string& why, bool key_index = true) : unreadable(why) {
    pair.tally.limits.key_index = key_index;
    pair.add("b", "m", "e0");
    pair.tally.flush();
  }

  const std::string unreadable;
  Pair pair;
  const Projection projection = describe<Tally>("tally");
  MemoryAuditedView view{pair.tally.views};
  MemoryAuditBook book;
  MemoryStateStore store{pair.tally.state};
  PartitionAudit audit{
      {projection, pair.tally.views.generation(), kOnly},
      PartitionAudit::Parts{
          .lend =
              [this] { return std::make_unique<LentState>(std::make_shared<SharedState>(store)); },
          .view = view,
          .book = book,
          .read = [this](Offset) -> LogRecord { throw Corrupt(unreadable); },
          .scratch = scratch_store}};
};

}  // namespace

TEST_CASE("an audit finds the rows that were tampered with, and no others, whatever happens") {
  const bool large = GENERATE(false, true);
  std::int64_t rounds = 0;
  std::int64_t larges = 0;
  std::size_t tampered = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed, large);
    AuditedWorld world(static_cast<std::uint64_t>(seed), false, large ? kLargeAudit : kSmallAudit);
    for (int i = 0; i < 150; ++i) {
      world.happen();
      if (world.chance(60)) world.audit();
      REQUIRE(world.found().empty());
    }
    rounds += world.audited().standing().round;
    larges += world.audited().standing().large;
    world.settle();
    const AuditedWorld::Places expected = world.tamper();
    tampered += expected.size();
    world.round();
    REQUIRE(world.found() == expected);
    CHECK(world.audited().standing().differences >= static_cast<std::int64_t>(expected.size()));
    CHECK(world.audited().standing().proved_to == Offset{world.position()});
    world.restore();
    world.look_again();
    // Large keys are looked at again in their turn.
    if (large) world.round();
    REQUIRE(world.found().empty());
    CHECK(world.audited().standing().differences == 0);
  }
  CHECK(rounds > kSeeds);
  CHECK((larges > kSeeds) == large);
  CHECK(tampered > std::size_t{kSeeds});
}

TEST_CASE("rules that were mended under the same version end no audit, and differences are told") {
  const bool large = GENERATE(false, true);
  std::int64_t differences = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed, large);
    AuditedWorld world(static_cast<std::uint64_t>(seed), false, large ? kLargeAudit : kSmallAudit);
    for (const bool mended : {false, true, false}) {
      world.run(mended ? describe<MendedTally>("tally") : describe<Tally>("tally"));
      for (int i = 0; i < 60; ++i) {
        world.happen();
        if (world.chance(60)) world.audit();
      }
      world.settle();
      world.round();
      CHECK(world.audited().standing().proved_to == Offset{world.position()});
      differences += world.audited().standing().differences;
    }
  }
  CHECK(differences > kSeeds);
}

TEST_CASE("one look sees state, view and log at one position, whatever happens meanwhile") {
  int looks = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    AuditedWorld world(static_cast<std::uint64_t>(seed), true);
    for (int i = 0; i < 60; ++i) {
      world.happen();
      const auto seen = world.look();
      if (!seen) continue;
      ++looks;
      REQUIRE(seen->faults.count() == 0);
      REQUIRE(seen->rows >= 0);
    }
  }
  CHECK(looks > 10 * kSeeds);
}

// As a program that held these rows against its own partition's records has left it.
TEST_CASE("a difference that is known of rows of another partition's key goes at the next look") {
  AuditedWorld world(0);
  world.misroute();
  world.settle();
  RowFault wrong;
  wrong.what = RowFault::What::extra;
  wrong.owner = AuditedWorld::kForeign;
  wrong.table = "member";
  world.book().add(kOnly, {&wrong, 1});
  world.begin_audit();
  CHECK(world.audited().standing().differences == 1);
  world.look_again();
  CHECK(world.audited().standing().differences == 0);
  CHECK(world.found().empty());
}

TEST_CASE("what is kept of differences is bounded, and their number is true") {
  constexpr int kMembers = static_cast<int>(kDifferencesKept) + 200;
  AuditedWorld world(0, true);
  for (int i = 0; i < kMembers; ++i) {
    world.pair().add("big", "m" + std::to_string(i), "big" + std::to_string(i));
  }
  world.settle();
  for (const auto& member : world.pair().tally.rows<tally::Member>()) {
    world.pair().tally.views.take(member);
  }
  world.round();
  CHECK(world.book().differences(kOnly).size() == kDifferencesKept);
  CHECK(world.audited().standing().differences == kMembers);
}

TEST_CASE("a difference that goes before a second look is none") {
  AuditedWorld world(0, true);
  world.pair().add("b", "m", "e0");
  world.settle();
  const MemoryViews before = world.pair().tally.views;
  world.pair().tally.views.take(world.pair().tally.rows<tally::Member>().front());
  // The one that looks at all keys, which are few.
  REQUIRE(world.audited().step() == PartitionAudit::Did::looked);
  world.pair().tally.views = before;
  world.round();
  CHECK(world.found().empty());
}

TEST_CASE("a row whose key cannot be read is counted, and the round goes on") {
  const bool behind_box = GENERATE(true, false);
  const bool large = GENERATE(false, true);
  CAPTURE(behind_box, large);
  AuditedWorld world(0, true, large ? kLargeAudit : kSmallAudit);
  for (int i = 0; i < 6; ++i) {
    world.pair().add("b", "m" + std::to_string(i), "e" + std::to_string(i));
  }
  world.settle();
  world.put_damaged("b", behind_box);
  world.round();
  CHECK(world.audited().standing().differences >= 1);
  // Whose row it is can be told where the box can be read.
  CHECK((world.book().differences(kOnly).size() == 1) == behind_box);
}

TEST_CASE("without an index of keys nothing is audited, which is said") {
  LoneAudit lone("nothing is read", false);
  CHECK(lone.audit.step() == PartitionAudit::Did::no_index);
  CHECK(lone.book.standing(kOnly).walks == 0);
}

TEST_CASE("records that the log lacks are told of, and no difference is made of them") {
  LoneAudit lone("retention took it");
  CHECK_THROWS_WITH(lone.audit.step(), "retention took it");
  CHECK_THROWS_WITH(lone.audit.step(), "retention took it");
  CHECK(lone.audit.standing().differences == 0);
  CHECK(lone.book.differences(kOnly).empty());
}

TEST_CASE("a row in a partition that has no records at all is found") {
  AuditedWorld world(0, true);
  // Takes the partition.
  world.settle();
  world.round();
  CHECK(world.found().empty());
  CHECK(world.audited().standing().proved_to == Offset{0});
  tally::Member row;
  row.set_box_id("none");
  row.set_member("stranger");
  world.pair().tally.views.put(row);
  world.round();
  CHECK(world.found() == AuditedWorld::Places{AuditedWorld::place(RowFault::Side::view,
                                                                  RowFault::What::extra, row)});
}

}  // namespace sluice
