#include "tests/contract/shown_progress_contract.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "tests/contract/building.h"
#include "tests/contract/made_flush.h"

namespace sluice::testing {
namespace {

void progress_is_the_owners(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  sink.claim(Partition{0}, "me");
  sink.claim(Partition{1}, "you");
  const std::vector<LogProgress> progress{{Partition{0}, Offset{40}, "me", "why"},
                                          {Partition{1}, Offset{50}, "me", "why"},
                                          {Partition{2}, Offset{60}, "me", "why"}};
  const auto now = sink.show_progress(progress);
  REQUIRE(now.size() == 3);
  REQUIRE(now[0]);
  CHECK(now[0]->position == Offset{0});
  CHECK(now[0]->owner == "me");
  CHECK_FALSE(now[1]);  // another's
  CHECK_FALSE(now[2]);  // no row
  CHECK(sink.show_progress({}).empty());
  CHECK(world->progress(Partition{0}).empty());
  CHECK(world->log_end(Partition{0}) == 40);
  CHECK(world->log_end(Partition{1}) == 0);
  CHECK(world->trouble(Partition{0}) == "why");
  CHECK(world->trouble(Partition{1}).empty());
  CHECK(world->contender(Partition{0}).empty());
  CHECK(world->contender(Partition{1}) == "why");
  CHECK(world->contender(Partition{2}) == "why");
  const std::vector<LogProgress> healthy{{Partition{1}, Offset{60}, "me", ""}};
  CHECK_FALSE(sink.show_progress(healthy).at(0));
  CHECK(world->contender(Partition{1}) == "why");  // who has no trouble says nothing of others'
  CHECK(sink.position(Partition{0})->position == Offset{0});
  CHECK_FALSE(sink.position(Partition{2}));
  sink.claim(Partition{0}, "next");
  CHECK(world->trouble(Partition{0}).empty());
}

// A projector that folds nothing learns only here that its view was moved or restored.
void progress_says_where_the_view_is(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{1};
  sink.claim(partition, "me");
  Flush(partition, "me", 0, 5).to(sink);
  const std::vector<LogProgress> progress{{partition, Offset{7}, "me", ""}};
  for (const int again : {1, 2}) {
    INFO(again);  // also where there is nothing to renew
    const auto now = sink.show_progress(progress);
    REQUIRE(now.at(0));
    CHECK(now[0]->position == Offset{5});
    CHECK(now[0]->digest == digest_before(5));
    CHECK(now[0]->published == 0);
  }
  sink.claim(partition, "you");
  CHECK_FALSE(sink.show_progress(progress).at(0));
}

// Who was fenced goes by this: it waits while the other speaks.
void an_owner_speaks_until_it_leaves(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{2};
  CHECK(sink.claim(partition, "me").silent < kOwnerGone);
  LogProgress word{partition, Offset{7}, "me", ""};
  CHECK(sink.show_progress({{word}}).at(0)->silent < kOwnerGone);
  CHECK(sink.position(partition)->silent < kOwnerGone);
  word.leaves = true;
  CHECK(sink.show_progress({{word}}).at(0)->silent >= kOwnerGone);
  CHECK(sink.position(partition)->silent >= kOwnerGone);
  CHECK(sink.claim(partition, "you").silent < kOwnerGone);
  CHECK_FALSE(sink.show_progress({{word}}).at(0));
  CHECK(sink.position(partition)->silent < kOwnerGone);
}

void computed_progress_is_the_owners(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  sink.claim(Partition{0}, "me");
  sink.claim(Partition{1}, "you");
  const auto show = [&](std::optional<ComputedProgress> computed) {
    const std::vector<LogProgress> progress{{Partition{0}, Offset{4}, "me", "", computed},
                                            {Partition{1}, Offset{4}, "me", "", computed}};
    CHECK(sink.show_progress(progress).size() == 2);
  };
  show(ComputedProgress{7, 2, 1, std::chrono::seconds(90)});
  CHECK(world->progress(Partition{0}) == "7 2 1 waits");
  CHECK(world->progress(Partition{1}).empty());
  // Progress that says nothing of computed keys leaves what was said before.
  show(std::nullopt);
  CHECK(world->progress(Partition{0}) == "7 2 1 waits");
  show(ComputedProgress{7, 2, 1, std::chrono::seconds(0)});
  CHECK(world->progress(Partition{0}) == "7 2 1");
  show(ComputedProgress{});
  CHECK(world->progress(Partition{0}) == "0 0 0");
}

}  // namespace

void shown_progress_contract(const MakeSink& make) {
  SECTION("progress is shown by the owner alone") { progress_is_the_owners(make); }
  SECTION("progress is answered with where the view is, to its owner") {
    progress_says_where_the_view_is(make);
  }
  SECTION("an owner speaks until it lets go") { an_owner_speaks_until_it_leaves(make); }
  SECTION("what is due is shown by the owner alone") { computed_progress_is_the_owners(make); }
}

}  // namespace sluice::testing
