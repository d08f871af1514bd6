// The defects of the systems that the deliberation domain replaces, by their names there: each test
// would show the defect. "feeds that overflow", "reads that wait for writes" and "polling by
// timestamp that misses a late commit" are about Postgres and stand in tests/integration,
// "milestones jumped over under load" stands in projectors/deliberation.

#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "projectors/deliberation/projection.h"
#include "projectors/engine/run/projector.h"
#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/rules.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/support/deliberation_facts.h"

namespace sluice {
namespace {

using namespace deliberation;

constexpr Partition kOnly{0};

// A log of conversations and their view, with as many projectors as one likes.
class Platform {
 public:
  Platform() : writer_(log_.writer()), views(generation()) {
    log_.create(kStream, 1);
    log_.create(stream_of("people"), 1);
    post(facts::conversation("c", "olga", PARTICIPATION_GUEST, {"s1", "s2"}));
  }

  // Acknowledged: the log has it.
  void post(const Event& event, const std::string& id = "") {
    Envelope envelope;
    envelope.set_id(id.empty() ? std::to_string(++posted_) : id);
    envelope.set_key(std::string(key_of(event)));
    *envelope.mutable_actor() = facts::service();
    envelope.set_recorded_at(++now_);
    envelope.set_payload(event.SerializeAsString());
    append(envelope.key(), envelope.SerializeAsString());
  }
  void append(const std::string& key, const std::string& value) {
    NewRecord record{kOnly, key, value};
    writer_->append(kStream, {&record, 1});
  }

  template <class Row>
  std::vector<Row> rows() {
    std::vector<Row> all;
    views.for_each_row<Row>([&](const Row& row) { all.push_back(row); });
    return all;
  }
  ConversationStats stats() { return rows<ConversationStats>().at(0); }

 private:
  friend class Process;
  static Generation generation() {
    return {.projection = "deliberation",
            .unique_id = "g",
            .version = Deliberation::kVersion,
            .partitions = 1,
            .dedupe_horizon = std::chrono::hours(1),
            .live = true};
  }

  static constexpr const char* kStream = "deliberation.events";
  std::int64_t now_ = 1'700'000'000'000;
  int posted_ = 0;
  MemoryLog log_{[this] { return Time{std::chrono::milliseconds(now_)}; }};
  std::unique_ptr<EventWriter> writer_;

 public:
  MemoryViews views;
};

// Folds the platform's log, until it is killed.
class Process {
 public:
  explicit Process(Platform& platform) : platform_(platform), sink(platform.views) { restart(); }

  // As after kill -9: memory is lost.
  void restart() {
    static int takings = 0;
    projector_.reset();
    store_.emplace(state_);
    projector_.emplace(projection_, Platform::generation(), kOnly, std::to_string(++takings),
                       ProjectorParts{*store_, sink, emitter_, probe_, memory_});
    position_ = projector_->claim(platform_.log_.range(Platform::kStream, kOnly));
  }
  void fold() {
    for (const auto& stored : platform_.log_.records(Platform::kStream, kOnly)) {
      if (stored.offset < position_) continue;
      projector_->fold({kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()});
      position_ = stored.offset.next();
    }
  }
  void flush() {
    fold();
    projector_->flush(platform_.log_.range(Platform::kStream, kOnly).end);
  }
  void lose_state(std::size_t batches) { state_.lose_newest(batches); }

 private:
  Platform& platform_;
  const Projection projection_ = describe<Deliberation>("deliberation");
  MemoryState state_;
  std::optional<MemoryStateStore> store_;
  Probe probe_;
  RowMemory memory_ = ample_memory();
  const std::unique_ptr<EventWriter> writer_ = platform_.log_.writer();
  Emitter emitter_{*writer_, platform_.log_, 1};
  std::optional<Projector> projector_;
  Offset position_;

 public:
  MemorySink sink;
};

Event vote(int participant, Choice choice = CHOICE_AGREE, const std::string& opinion = "s1") {
  return facts::vote("c", opinion, "u" + std::to_string(participant), choice);
}

}  // namespace

TEST_CASE("acknowledged votes lost on a crash") {
  Platform platform;
  Process process(platform);
  for (int i = 0; i < 100; ++i) {
    platform.post(vote(i));
    if (i % 10 == 3) process.flush();
    if (i % 10 == 5) process.fold();  // folded, and forgotten by the crash
    if (i % 10 == 6) process.restart();
    if (i % 10 == 8) {
      process.lose_state(2);
      process.restart();
    }
  }
  process.flush();
  CHECK(platform.stats().vote_count() == 100);
  CHECK(platform.rows<Ballot>().size() == 100);
}

TEST_CASE("two writers applying one change twice") {
  Platform platform;
  Process one(platform);
  platform.post(vote(1));
  one.fold();
  // Another takes over while the first has the vote folded and not flushed.
  Process other(platform);
  CHECK_THROWS_AS(one.flush(), Fenced);
  other.flush();
  CHECK(platform.stats().vote_count() == 1);
  // The answer of a commit is lost; what is flushed again is not applied again.
  platform.post(vote(2));
  other.sink.lose_next_answer(LostAnswer::committed);
  other.flush();
  other.restart();
  other.flush();
  CHECK(platform.stats().vote_count() == 2);
}

TEST_CASE("a stale copy overwriting a newer vote") {
  Platform platform;
  Process stale(platform);
  platform.post(vote(1, CHOICE_AGREE));
  stale.fold();
  Process owner(platform);
  platform.post(vote(1, CHOICE_DISAGREE));
  owner.flush();
  CHECK_THROWS_AS(stale.flush(), Fenced);
  CHECK(platform.rows<Ballot>().at(0).votes() == R"({"s1":"disagree"})");
  CHECK(platform.stats().vote_count() == 1);
}

TEST_CASE("second-grained timestamps tying") {
  // Two votes of one participant in one second, even in one millisecond: the log decides.
  Platform platform;
  Process process(platform);
  platform.post(vote(1, CHOICE_AGREE));
  platform.post(vote(1, CHOICE_DISAGREE));
  process.flush();
  const Ballot ballot = platform.rows<Ballot>().at(0);
  CHECK(ballot.votes() == R"({"s1":"disagree"})");
  CHECK(ballot.last_voted_at() == ballot.first_voted_at() + 1);
}

TEST_CASE("a poison vote blocking five thousand others") {
  Platform platform;
  Process process(platform);
  platform.post(facts::conversation("d", "olga", PARTICIPATION_GUEST, {"s1"}));
  // One that is not admissible, one that is no record at all, one under a key of its own.
  platform.post(vote(0, CHOICE_AGREE, "o9"));
  platform.append("e", "garbage");
  for (int i = 0; i < 5000; ++i) platform.post(vote(i));
  process.flush();
  CHECK(platform.stats().vote_count() + platform.rows<ConversationStats>().at(1).vote_count() ==
        5000);
  CHECK(platform.views.rejections(kOnly).size() == 1);
  CHECK(platform.views.quarantined(kOnly).size() == 1);
}

TEST_CASE("counts drifting from votes") {
  Platform platform;
  Process process(platform);
  std::uint64_t random = 1;
  for (int i = 0; i < 3000; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const auto digits = static_cast<int>(random >> 40);
    const std::string opinion = digits % 2 == 0 ? "s1" : "s2";
    platform.post(vote(digits / 2 % 50, Choice(digits / 100 % 4), opinion));
    if (digits % 97 == 0) platform.post(facts::moderated("c", opinion, Moderation(digits % 3)));
    if (digits % 101 == 0) process.flush();
    if (digits % 103 == 0) process.restart();
  }
  platform.post(facts::moderated("c", "s1", MODERATION_NONE));
  platform.post(facts::moderated("c", "s2", MODERATION_NONE));
  process.flush();
  std::int64_t votes = 0;
  std::int64_t voters = 0;
  for (const Ballot& ballot : platform.rows<Ballot>()) {
    const auto on = std::count(ballot.votes().begin(), ballot.votes().end(), ':');
    CHECK(ballot.vote_count() == on);
    votes += on;
    voters += on > 0;
  }
  std::int64_t counted = 0;
  for (const OpinionStats& row : platform.rows<OpinionStats>()) {
    counted += row.agrees() + row.disagrees() + row.passes();
  }
  CHECK(counted == votes);
  CHECK(platform.stats().vote_count() == votes);
  CHECK(platform.stats().total_vote_count() == votes);
  CHECK(platform.stats().participant_count() == voters);
}

TEST_CASE("a withdrawn moderation that still excludes") {
  Platform platform;
  Process process(platform);
  platform.post(vote(1));
  platform.post(facts::moderated("c", "s1", MODERATION_HIDE));
  process.flush();
  CHECK(platform.stats().vote_count() == 0);
  platform.post(facts::moderated("c", "s1", MODERATION_NONE));
  platform.post(vote(2));
  process.restart();
  process.flush();
  CHECK(platform.stats().vote_count() == 2);
  CHECK(platform.stats().participant_count() == 2);
  CHECK(platform.stats().opinion_count() == 2);
}

TEST_CASE("votes on removed authors' opinions still counting") {
  Platform platform;
  Process process(platform);
  platform.post(facts::opinion("c", "o1", "ann"));
  platform.post(vote(1, CHOICE_AGREE, "o1"));
  platform.post(vote(2, CHOICE_DISAGREE, "o1"));
  process.flush();
  CHECK(platform.stats().vote_count() == 2);
  platform.post(facts::removed("c", "ann"));
  process.flush();
  CHECK(platform.stats().vote_count() == 0);
  CHECK(platform.stats().total_vote_count() == 0);
  CHECK(platform.stats().participant_count() == 0);
  for (const Ballot& ballot : platform.rows<Ballot>()) CHECK(ballot.votes().empty());
}

TEST_CASE("a retried opinion created twice") {
  Platform platform;
  Process process(platform);
  platform.post(facts::opinion("c", "o1", "ann", {"body", true, false}), "retried");
  platform.post(facts::opinion("c", "o1", "ann", {"body", true, false}), "retried");
  process.flush();
  process.restart();
  // By a client that made a new event of it.
  platform.post(facts::opinion("c", "o1", "ann", {"body", true, false}));
  process.flush();
  CHECK(platform.stats().total_opinion_count() == 3);
  CHECK(platform.stats().vote_count() == 1);
  CHECK(platform.rows<Notification>().size() == 1);
}

}  // namespace sluice
