#include "tests/contract/refusals_contract.h"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/contract/made_flush.h"

namespace sluice::testing {
namespace {

void what_was_quarantined_can_go(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  Flush first(partition, "me", 0, 5);
  for (const std::int64_t at : {1, 2, 3}) {
    first.quarantined.push_back({Offset{at}, std::string("\xff\0k", 3), "why", "b", {}, false});
  }
  first.unquarantined = {Offset{3}};  // within one flush: the later decision counts
  first.to(sink);
  CHECK(world->seen().quarantined(partition) == std::vector<std::int64_t>{1, 2});
  Flush second(partition, "me", 5, 6);
  second.quarantined.push_back({Offset{2}, "k", "again", "b", {}, false});
  second.unquarantined = {Offset{1}, Offset{77}};
  second.to(sink);
  CHECK(world->seen().quarantined(partition) == std::vector<std::int64_t>{2});
}

void what_was_quarantined_can_age_out(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  sink.claim(Partition{1}, "me");
  Flush first(partition, "me", 0, 5);
  for (const std::int64_t at : {1, 2, 3, 4}) {
    first.quarantined.push_back({Offset{at}, "k", "why", at == 4 ? "" : "bytes", {}, true});
  }
  first.aged_out = {Offset{3}};  // within one flush
  first.to(sink);
  Flush other(Partition{1}, "me", 0, 5);
  other.quarantined = first.quarantined;
  other.to(sink);
  CHECK(world->seen().aged_out(partition) == std::vector<std::int64_t>{3});

  Flush second(partition, "me", 5, 6);
  second.aged_out = {Offset{1}, Offset{2}, Offset{77}};
  second.unquarantined = {Offset{2}};
  second.to(sink);
  CHECK(world->seen().quarantined(partition) == std::vector<std::int64_t>{1, 3, 4});
  CHECK(world->seen().aged_out(partition) == std::vector<std::int64_t>{1, 3});
  CHECK(world->seen().aged_out(Partition{1}).empty());
}

void what_waits_beyond_a_limit_has_no_bytes(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  Flush first(partition, "me", 0, 5);
  first.quarantined.push_back({Offset{1}, "k", "why", "bytes", {}, true});
  for (const std::int64_t at : {2, 3}) {
    first.quarantined.push_back({Offset{at}, "k", "waits", std::nullopt, {}, true, true});
  }
  first.to(sink);
  CHECK(world->seen().beyond_limit(partition) == std::vector<std::int64_t>{2, 3});
  CHECK(world->seen().aged_out(partition) == std::vector<std::int64_t>{2, 3});
  Flush second(partition, "me", 5, 6);
  second.quarantined.push_back({Offset{2}, "k", "is the first now", "bytes", {}, true});
  second.unquarantined = {Offset{1}};
  second.to(sink);
  CHECK(world->seen().beyond_limit(partition) == std::vector<std::int64_t>{3});
  CHECK(world->seen().aged_out(partition) == std::vector<std::int64_t>{3});
}

void decisions_are_kept_once(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  sink.claim(Partition{1}, "me");
  Flush first(partition, "me", 0, 5);
  first.decisions.push_back({Offset{3}, std::nullopt, Decision::Kind::release, "", "", {}});
  first.decisions.push_back({Offset{4}, Offset{-2}, Decision::Kind::discard, "a@b", "no\t\\.", {}});
  first.to(sink);
  Flush(Partition{1}, "me", 0, 5).to(sink);
  Flush second(partition, "me", 5, 9);
  second.decisions.push_back({Offset{4}, Offset{7}, Decision::Kind::edit, "other", "", {}});
  second.decisions.push_back({Offset{8}, Offset{7}, Decision::Kind::edit, "c", "", {}});
  second.to(sink);
  CHECK(world->seen().decisions(partition) ==
        std::vector<std::string>{"3 release -  ", "4 discard -2 a@b no\t\\.", "8 edit 7 c "});
  CHECK(world->seen().decisions(Partition{1}).empty());
}

}  // namespace

void refusals_contract(const MakeSink& make) {
  SECTION("what was quarantined can go") { what_was_quarantined_can_go(make); }
  SECTION("its bytes can age out") { what_was_quarantined_can_age_out(make); }
  SECTION("what waits beyond a limit has no bytes") {
    what_waits_beyond_a_limit_has_no_bytes(make);
  }
  SECTION("decisions are kept once") { decisions_are_kept_once(make); }
}

}  // namespace sluice::testing
