#include "tests/contract/freshness_contract.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <optional>

#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

// By ages, which need no clock to be moved.
void freshness_is_the_age_of_the_oldest_record_not_shown(const MakeSink& make) {
  using std::chrono::milliseconds;
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  constexpr milliseconds kNone{0}, kAge{90'000}, kSlack{60'000};
  const auto says = [&](std::int64_t log_end, std::optional<milliseconds> unseen) {
    LogProgress word{partition, Offset{log_end}, "me", ""};
    word.unseen = unseen;
    CHECK(sink.show_progress({&word, 1}).at(0));
    return world->freshness(partition);
  };
  CHECK_FALSE(world->freshness(partition));
  sink.claim(partition, "me");
  CHECK(world->freshness(partition) == kNone);
  const auto told = says(7, kAge);
  CHECK((told >= kAge && told < kAge + kSlack));
  // What is not known leaves what was.
  CHECK(says(9, std::nullopt) >= kAge);
  // Nor does a new owner make anything visible.
  sink.claim(partition, "me");
  CHECK(world->freshness(partition) >= kAge);
  FlushBatch all{};
  all.partition = partition;
  all.owner = "me";
  all.to = Offset{9};
  all.digest_at_to = Digest{9};
  all.log_end = Offset{9};
  CHECK(sink.flush(all) == FlushOutcome::committed);
  CHECK(world->freshness(partition) == kNone);
  CHECK(says(9, kNone) == kNone);
  // A record that nobody has looked at is not older than the last word that there was none.
  CHECK(says(10, std::nullopt) < kSlack);
  CHECK(says(9, std::nullopt) == kNone);
  CHECK(says(10, std::nullopt) < kSlack);
}

void what_stands_still_is_not_fresh(const MakeSink& make) {
  using std::chrono::milliseconds;
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  FlushBatch all{};
  all.partition = partition;
  all.owner = "me";
  all.to = Offset{9};
  all.digest_at_to = Digest{9};
  all.log_end = Offset{9};
  REQUIRE(sink.flush(all) == FlushOutcome::committed);
  const auto says = [&](std::string_view trouble, std::optional<milliseconds> unseen) {
    LogProgress word{partition, Offset{8}, "me", trouble};
    word.unseen = unseen;
    REQUIRE(sink.show_progress({&word, 1}).at(0));
    return world->freshness(partition);
  };
  // The log ends before the view, or where it does: nobody looks at what it has.
  CHECK(says("why", milliseconds{90'000}) >= milliseconds{90'000});
  CHECK(says("why", std::nullopt) >= milliseconds{90'000});
  const auto told = world->monitor().unowned({{std::string("shapes")}});
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].partition == partition);
  CHECK(told[0].owned);
  CHECK(told[0].position == Offset{9});
  CHECK(told[0].freshness >= milliseconds{90'000});
  CHECK(says("", milliseconds{0}) == milliseconds{0});
}

void freshness_grows_without_an_owner(const MakeSink& make) {
  using std::chrono::milliseconds;
  const auto world = make();
  const Partition partition{1};
  world->sink().claim(partition, "me");
  LogProgress word{partition, Offset{0}, "me", ""};
  word.unseen = milliseconds{0};
  word.leaves = true;
  static_cast<void>(world->sink().show_progress({&word, 1}));
  const auto grows = [&] {
    const auto first = world->freshness(partition);
    return first && eventually([&] { return world->freshness(partition) > *first; });
  };
  CHECK(grows());
  CHECK(grows());
}

}  // namespace

void freshness_contract(const MakeSink& make) {
  SECTION("it is the age of the oldest record that is not shown") {
    freshness_is_the_age_of_the_oldest_record_not_shown(make);
  }
  SECTION("what stands still is not fresh") { what_stands_still_is_not_fresh(make); }
  SECTION("it grows without an owner") { freshness_grows_without_an_owner(make); }
}

}  // namespace sluice::testing
