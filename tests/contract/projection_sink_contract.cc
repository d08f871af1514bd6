#include "tests/contract/projection_sink_contract.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"

namespace sluice::testing {
namespace {

// A flush that owns what it carries.
struct Flush {
  FlushBatch batch{};
  std::vector<shapes::OnlyKey> kept;
  std::vector<RowChanges> rows;
  std::vector<Rejection> rejections;
  std::vector<QuarantinedRecord> quarantined;
  std::vector<Offset> unquarantined;
  std::vector<Offset> aged_out;

  Flush(Partition partition, std::string_view owner, std::int64_t from, std::int64_t to) {
    batch.partition = partition;
    batch.owner = owner;
    batch.from = Offset{from};
    batch.to = Offset{to};
    batch.digest_at_from = digest_at(from);
    batch.digest_at_to = digest_at(to);
    batch.log_end = Offset{to + 1};
    batch.record_time = Time(std::chrono::milliseconds(1000));
  }
  // The highest bit is set: digests are unsigned.
  static Digest digest_at(std::int64_t position) {
    return Digest{position == 0 ? 0 : 0xf000000000000000u + static_cast<std::uint64_t>(position)};
  }
  Flush& put(std::vector<std::string> ids) { return change(std::move(ids), {}); }
  Flush& change(std::vector<std::string> put, std::vector<std::string> erased) {
    kept.reserve(put.size() + erased.size());
    RowChanges changes{shapes::OnlyKey::descriptor(), {}, {}};
    for (auto* ids : {&put, &erased}) {
      for (const std::string& id : *ids) {
        kept.emplace_back().set_id(id);
        (ids == &put ? changes.upserts : changes.erased).push_back(&kept.back());
      }
    }
    rows.push_back(changes);
    return *this;
  }
  FlushOutcome to(ProjectionSink& sink) {
    batch.rows = rows;
    batch.rejections = rejections;
    batch.quarantined = quarantined;
    batch.unquarantined = unquarantined;
    batch.aged_out = aged_out;
    return sink.flush(batch);
  }
};

Flush full_flush(Partition partition, std::string_view owner, std::int64_t from, std::int64_t to) {
  Flush flush(partition, owner, from, to);
  flush.change({"new"}, {"old"});
  flush.rejections.push_back({Offset{from}, "event", "vote.set", "k", "conversation.closed", {}});
  flush.quarantined.push_back({Offset{from}, "key", "unreadable", "bytes", {}, true});
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
  CHECK(next.digest == Flush::digest_at(5));
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
  CHECK(world->ids() == std::vector<std::string>{"old"});
  CHECK(world->rejected(partition).empty());
  CHECK(world->quarantined(partition).empty());

  Flush right = full_flush(partition, "me", 5, 9);
  // A timer's, whose rule may say anything.
  right.quarantined.push_back({Offset{-1}, "k\xff", "no\xfftext\t\n\\.", "", {}, true});
  CHECK(right.to(sink) == FlushOutcome::committed);
  CHECK(world->ids() == std::vector<std::string>{"new"});
  CHECK(world->rejected(partition) == std::vector<std::int64_t>{5});
  CHECK(world->quarantined(partition) == std::vector<std::int64_t>{-1, 5});
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
  CHECK(now.digest == Flush::digest_at(now.position.value));
  CHECK(world->ids() == std::vector<std::string>{went_through ? "new" : "old"});
  CHECK(world->rejected(partition).empty() == !went_through);

  if (!went_through) CHECK(full_flush(partition, "me", 5, 9).to(sink) == FlushOutcome::committed);
  CHECK(world->ids() == std::vector<std::string>{"new"});
  CHECK_THROWS_AS(full_flush(partition, "me", 5, 9).to(sink), Fenced);
}

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
  CHECK(world->quarantined(partition) == std::vector<std::int64_t>{1, 2});
  Flush second(partition, "me", 5, 6);
  second.quarantined.push_back({Offset{2}, "k", "again", "b", {}, false});
  second.unquarantined = {Offset{1}, Offset{77}};
  second.to(sink);
  CHECK(world->quarantined(partition) == std::vector<std::int64_t>{2});
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
  CHECK(world->aged_out(partition) == std::vector<std::int64_t>{3});

  Flush second(partition, "me", 5, 6);
  second.aged_out = {Offset{1}, Offset{2}, Offset{77}};
  second.unquarantined = {Offset{2}};
  second.to(sink);
  CHECK(world->quarantined(partition) == std::vector<std::int64_t>{1, 3, 4});
  CHECK(world->aged_out(partition) == std::vector<std::int64_t>{1, 3});
  CHECK(world->aged_out(Partition{1}).empty());
}

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
    CHECK(now[0]->digest == Flush::digest_at(5));
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

// A key's summary and as many shares as there are values; of no value there is none.
ComputedRows computed_rows(const std::string& key, std::int64_t as_of,
                           const std::vector<std::optional<double>>& values) {
  ComputedRows made{key, {}};
  auto& summaries = made.tables.emplace_back();
  summaries.row = shapes::Summary::descriptor();
  auto summary = std::make_unique<shapes::Summary>();
  summary->set_id(key);
  summary->set_as_of(as_of);
  summaries.rows.push_back(std::move(summary));
  auto& shares = made.tables.emplace_back();
  shares.row = shapes::Share::descriptor();
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto share = std::make_unique<shapes::Share>();
    share->set_id(key);
    share->set_place(static_cast<std::int64_t>(i));
    if (values[i]) share->set_value(*values[i]);
    shares.rows.push_back(std::move(share));
  }
  return made;
}

// Moves the position from `from` to `to`, or not.
struct Publication {
  std::int64_t from;
  std::int64_t to;
  std::int64_t published;
  std::string_view owner = "me";

  template <class... Rows>
  FlushOutcome of(ProjectionSink& sink, const Rows&... computed) const {
    const std::vector<const ComputedRows*> all{&computed...};
    Flush flush(Partition{0}, owner, from, to);
    flush.batch.computed = all;
    flush.batch.published_at_from = published;
    return flush.to(sink);
  }
};

void computed_rows_are_replaced(const MakeSink& make) {
  using Texts = std::vector<std::string>;
  const std::string odd = "o\"d\\d, {NULL}";
  const auto world = make();
  ProjectionSink& sink = world->sink();
  sink.claim(Partition{0}, "me");
  CHECK(Publication{0, 4, 0}.of(sink, computed_rows("a", 1, {1.5, 2.5, {}}),
                                computed_rows(odd, 1, {7.0})) == FlushOutcome::committed);
  CHECK(world->computed() ==
        Texts{"a 1", odd + " 1", "a 0 1.5", "a 1 2.5", "a 2 null", odd + " 0 7"});
  CHECK(sink.position(Partition{0})->position == Offset{4});
  CHECK(sink.position(Partition{0})->published == 1);

  // Nothing was folded, so the position stays; another than the owner is fenced all the same.
  const ComputedRows late = computed_rows("a", 2, {2.0});
  CHECK_THROWS_AS((Publication{4, 4, 1, "zombie"}.of(sink, late)), Fenced);
  CHECK(Publication{4, 4, 1}.of(sink, computed_rows("a", 3, {1.5, {}}),
                                computed_rows("b", 3, {})) == FlushOutcome::committed);
  CHECK(world->computed() == Texts{"a 3", "b 3", odd + " 1", "a 0 1.5", "a 1 null", odd + " 0 7"});
  CHECK(sink.position(Partition{0})->position == Offset{4});
  CHECK(sink.position(Partition{0})->published == 2);

  // From before another publication at the same position.
  CHECK_THROWS_AS((Publication{4, 4, 1}.of(sink, late)), Fenced);
  CHECK_THROWS_AS((Publication{3, 4, 2}.of(sink, late)), Fenced);
  CHECK_THROWS_AS(Flush(Partition{0}, "me", 4, 5).to(sink), Fenced);
  CHECK(Publication{4, 4, 2}.of(sink, computed_rows(odd, 5, {})) == FlushOutcome::committed);
  CHECK(world->computed() == Texts{"a 3", "b 3", odd + " 5", "a 0 1.5", "a 1 null"});
  CHECK(sink.claim(Partition{0}, "next").published == 3);
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
  SECTION("what was quarantined can go") { what_was_quarantined_can_go(make); }
  SECTION("its bytes can age out") { what_was_quarantined_can_age_out(make); }
  SECTION("a key's computed rows are replaced as a whole") { computed_rows_are_replaced(make); }
  SECTION("progress is shown by the owner alone") { progress_is_the_owners(make); }
  SECTION("progress is answered with where the view is, to its owner") {
    progress_says_where_the_view_is(make);
  }
  SECTION("an owner speaks until it lets go") { an_owner_speaks_until_it_leaves(make); }
  SECTION("what is due is shown by the owner alone") { computed_progress_is_the_owners(make); }
}

}  // namespace sluice::testing
