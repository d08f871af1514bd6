#include "tests/contract/projection_sink_contract.h"

#include <catch2/catch.hpp>
#include <string_view>
#include <utility>

#include "storage/base/errors.h"
#include "tests/contract/building.h"
#include "tests/contract/computed_rows_contract.h"
#include "tests/contract/made_flush.h"
#include "tests/contract/refusals_contract.h"
#include "tests/contract/shown_progress_contract.h"

namespace sluice::testing {
namespace {

Flush full_flush(Partition partition, std::string_view owner, std::int64_t from, std::int64_t to) {
  Flush flush(partition, owner, from, to);
  flush.change({"new"}, {"old"});
  flush.rejections.push_back({Offset{from}, "event", "vote.set", "k", "conversation.closed", {}});
  flush.quarantined.push_back({Offset{from}, "key", "unreadable", "bytes", {}, true});
  flush.decisions.push_back({Offset{from}, Offset{1}, Decision::Kind::edit, "me", "why", {}});
  return flush;
}

void a_partition_is_taken(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  CHECK_FALSE(sink.position(Partition{1}));
  const ViewPosition first = sink.claim(Partition{1}, "me");
  CHECK(first.position == Offset{0});
  CHECK(first.digest == Digest{});
  CHECK(first.owner == "me");
  CHECK(sink.generation().partitions == 3);

  CHECK_FALSE(first.log);

  CHECK(Flush(Partition{1}, "me", 0, 5).to(sink) == FlushOutcome::committed);
  const ViewPosition next = sink.claim(Partition{1}, "you");
  CHECK(next.position == Offset{5});
  CHECK(next.digest == digest_before(5));
  CHECK(next.owner == "you");
  CHECK(sink.position(Partition{1})->owner == "you");
  CHECK_FALSE(sink.position(Partition{0}));
}

void a_view_keeps_the_log_that_it_was_first_folded_from(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{1};
  const LogIdentity mine = random_identity();
  sink.claim(partition, "me");
  Flush(partition, "me", 0, 5).to(sink);
  CHECK_FALSE(sink.position(partition)->log);
  Flush second(partition, "me", 5, 6);
  second.batch.log = mine;
  CHECK(second.to(sink) == FlushOutcome::committed);
  CHECK(sink.position(partition)->log == mine);
  Flush third(partition, "me", 6, 7);
  third.batch.log = random_identity();
  third.to(sink);
  CHECK(Flush(partition, "me", 7, 8).to(sink) == FlushOutcome::committed);
  CHECK(sink.claim(partition, "you").log == mine);
}

void a_fenced_flush_changes_nothing(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  Flush(partition, "me", 0, 5).put({"old"}).to(sink);

  Flush wrong = full_flush(partition, "me", 5, 9);
  const int what = GENERATE(0, 1, 2, 3, 4);
  if (what == 0) wrong.batch.owner = "zombie";
  if (what == 1) wrong.batch.digest_at_from = Digest{7};
  if (what == 2) wrong.batch.from = Offset{4};
  if (what == 3) wrong.batch.from = Offset{6};
  if (what == 4) wrong.batch.partition = Partition{2};
  wrong.unquarantined.push_back(Offset{1});
  wrong.aged_out.push_back(Offset{1});
  CHECK_THROWS_AS(wrong.to(sink), Fenced);
  CHECK(sink.position(partition)->position == Offset{5});
  CHECK_FALSE(sink.position(Partition{2}));
  CHECK(world->seen().ids() == std::vector<std::string>{"old"});
  CHECK(world->seen().rejected(partition).empty());
  CHECK(world->seen().quarantined(partition).empty());
  CHECK(world->seen().decisions(partition).empty());

  Flush right = full_flush(partition, "me", 5, 9);
  // A timer's, whose rule may say anything.
  right.quarantined.push_back({Offset{-1}, "k\xff", "no\xfftext\t\n\\.", "", {}, true});
  CHECK(right.to(sink) == FlushOutcome::committed);
  CHECK(world->seen().ids() == std::vector<std::string>{"new"});
  CHECK(world->seen().rejected(partition) == std::vector<std::int64_t>{5});
  CHECK(world->seen().quarantined(partition) == std::vector<std::int64_t>{-1, 5});
}

void a_lost_answer_is_settled_by_the_position(const MakeSink& make) {
  const bool went_through = GENERATE(true, false);
  const auto world = make();
  ProjectionSink& sink = world->sink();
  const Partition partition{0};
  sink.claim(partition, "me");
  Flush(partition, "me", 0, 5).put({"old"}).to(sink);

  world->lose_next_answer(went_through);
  CHECK(full_flush(partition, "me", 5, 9).to(sink) == FlushOutcome::in_doubt);
  const ViewPosition now = *sink.position(partition);
  CHECK(now.owner == "me");
  CHECK(now.position == Offset{went_through ? 9 : 5});
  CHECK(now.digest == digest_before(now.position.value));
  CHECK(world->seen().ids() == std::vector<std::string>{went_through ? "new" : "old"});
  CHECK(world->seen().rejected(partition).empty() == !went_through);
  CHECK(world->seen().decisions(partition).empty() == !went_through);

  if (!went_through) CHECK(full_flush(partition, "me", 5, 9).to(sink) == FlushOutcome::committed);
  CHECK(world->seen().ids() == std::vector<std::string>{"new"});
  CHECK_THROWS_AS(full_flush(partition, "me", 5, 9).to(sink), Fenced);
}

}  // namespace

void projection_sink_contract(const MakeSink& make) {
  SECTION("taking a partition gives its position and makes its owner") {
    a_partition_is_taken(make);
  }
  SECTION("a view keeps the log that it was first folded from") {
    a_view_keeps_the_log_that_it_was_first_folded_from(make);
  }
  SECTION("a fenced flush changes nothing, whatever it carried") {
    a_fenced_flush_changes_nothing(make);
  }
  SECTION("a commit whose answer is lost is settled by the position") {
    a_lost_answer_is_settled_by_the_position(make);
  }
  refusals_contract(make);
  computed_rows_contract(make);
  shown_progress_contract(make);
}

}  // namespace sluice::testing
