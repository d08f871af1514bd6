// Whoever is deleted goes from quarantine too: with what waits there of them, whatever came first,
// and as a refold has it.

#include "people/events.pb.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/deliberation/projection.h"
#include "projectors/engine/partition_fold.h"
#include "projectors/people/projection.h"
#include "storage/memory/memory_state.h"
#include "storage/partitioner.h"
#include "tests/support/deliberation_facts.h"

namespace sluice {
namespace {

constexpr Partition kOnly{0};
constexpr std::int64_t kFirstMoment = 1'700'000'000'000;
constexpr std::chrono::hours kRetention{50};

Generation generation(std::string_view projection, int partitions) {
  Generation generation{
      .projection = std::string(projection), .unique_id = "g", .partitions = partitions};
  generation.dedupe_horizon = std::chrono::hours(24);
  generation.quarantine_retention = kRetention;
  generation.live = true;
  return generation;
}

// One partition of a domain: its log, its fold, and what its quarantine shows.
template <class P>
class Side {
 public:
  using Event = typename P::Event;

  explicit Side(std::string_view name, int partitions = 1)
      : projection_(describe<P>(name)), generation_(generation(name, partitions)) {
    begin();
  }

  void append(const std::string& key, const std::string& value) {
    const auto offset = static_cast<std::int64_t>(log_.size());
    const Time at{passed_ + std::chrono::milliseconds(kFirstMoment + offset)};
    log_.push_back({at, key, value});
  }
  // Until the next record is appended.
  void pass(std::chrono::milliseconds time) { passed_ += time; }
  void post(const Event& event) {
    Envelope envelope;
    envelope.set_id("e" + std::to_string(log_.size()));
    envelope.set_key(std::string(P::key(event)));
    *envelope.mutable_actor() = facts::service();
    envelope.set_payload(event.SerializeAsString());
    append(envelope.key(), envelope.SerializeAsString());
  }
  void post(const Control& control, const std::string& key) {
    Envelope envelope;
    *envelope.mutable_control() = control;
    append(key, envelope.SerializeAsString());
  }

  // Folds what the log has and returns what was emitted meanwhile.
  std::vector<DerivedRecord> fold() {
    std::vector<DerivedRecord> emitted;
    for (; folded_ < log_.size(); ++folded_) {
      const auto offset = static_cast<std::int64_t>(folded_);
      const auto& [at, key, value] = log_[folded_];
      fold_->fold({kOnly, Offset{offset}, at, key, value}, Emits::sent);
      const auto records = fold_->outbox().records();
      emitted.insert(emitted.end(), records.begin(), records.end());
      fold_->outbox().clear();
    }
    return emitted;
  }

  // As a flush leaves sluice.quarantine.
  std::map<Offset, QuarantinedRecord> quarantine() {
    std::map<Offset, QuarantinedRecord> rows;
    for (const auto& record : fold_->outcomes().quarantined) rows.emplace(record.position, record);
    CHECK(rows.size() == fold_->outcomes().quarantined.size());  // Postgres would refuse a second
    for (const Offset position : fold_->outcomes().aged_out) rows.at(position).value.reset();
    for (const Offset position : fold_->outcomes().unquarantined) rows.erase(position);
    return rows;
  }
  // Every byte that the tables hold.
  std::string tables() {
    std::string all;
    for (const auto& rows : fold_->tables().all()) {
      RowCursor cursor(*rows, prefix_of(*rows));
      while (const auto* row = cursor.next()) all += row->ShortDebugString() + "\n";
    }
    return all;
  }
  const auto& rejections() { return fold_->outcomes().rejections; }

  // From offset 0 into a fresh store.
  void refold() {
    begin();
    fold();
  }

 private:
  void begin() {
    fold_.reset();
    store_ = std::make_unique<MemoryStateStore>(*(state_ = std::make_unique<MemoryState>()));
    fold_ =
        std::make_unique<PartitionFold>(projection_, generation_, kOnly, *store_, DedupeShape{});
    fold_->reset();
    folded_ = 0;
  }
  static std::string prefix_of(const TableRows& rows) {
    std::string prefix;
    row_key::append_prefix(prefix, rows.prefix());
    return prefix;
  }

  const Projection projection_;
  const Generation generation_;
  std::unique_ptr<MemoryState> state_;
  std::unique_ptr<MemoryStateStore> store_;
  std::unique_ptr<PartitionFold> fold_;
  struct Appended {
    Time at;
    std::string key;
    std::string value;
  };
  std::vector<Appended> log_;
  std::chrono::milliseconds passed_{0};
  std::size_t folded_ = 0;
};

// Both domains on each other's derived records. Olga owns "c", in which eve wrote "o0".
struct Both {
  Side<Deliberation> deliberation{"deliberation"};
  Side<People> people{"people"};

  Both() {
    deliberation.post(facts::conversation("c", "olga", deliberation::PARTICIPATION_GUEST, {"s"}));
    deliberation.post(facts::opinion("c", "o0", "eve"));
    finish();
  }
  // Until nobody has anything to tell any more.
  void finish() {
    for (bool told = true; told;) {
      told = deliver(deliberation.fold());
      told |= deliver(people.fold());
    }
  }
  // Whether there is anything.
  bool deliver(const std::vector<DerivedRecord>& derived) {
    for (const DerivedRecord& record : derived) {
      if (record.stream == "people.events") people.append(record.key, record.value);
      if (record.stream == "deliberation.events") deliberation.append(record.key, record.value);
    }
    return !derived.empty();
  }
  void park() { deliberation.append("c", "\xff\xffgarbage"); }
  void delete_user(const std::string& id) {
    people::Event event;
    event.mutable_user_deleted()->set_user_id(id);
    people.post(event);
  }
  void merge_user(const std::string& id, const std::string& into) {
    people::Event event;
    event.mutable_user_merged()->set_user_id(id);
    event.mutable_user_merged()->set_into(into);
    people.post(event);
  }
  // Drops what could not be folded.
  void discard(std::int64_t offset) {
    Control control;
    control.mutable_discard()->set_offset(offset);
    deliberation.post(control, "c");
  }

  // Neither tables nor quarantine hold the text, also after a refold, which comes to the same.
  void require_gone(const std::string& text) {
    const std::string before = deliberation.tables();
    CHECK_THAT(where_is(text), Catch::Equals(""));
    deliberation.refold();
    CHECK_THAT(where_is(text), Catch::Equals(""));
    CHECK(deliberation.tables() == before);
  }
  std::string where_is(const std::string& text) {
    std::string places;
    for (const auto& row : deliberation.quarantine()) {
      const QuarantinedRecord& record = row.second;
      if (!record.value || record.value->find(text) == std::string::npos) continue;
      places += "quarantine at " + std::to_string(record.position.value) + ", ";
    }
    if (deliberation.tables().find(text) != std::string::npos) places += "tables";
    return places;
  }
};

constexpr std::int64_t kGarbage = 2;  // the offset of what park() appends first

facts::Event secret(const std::string& id, const std::string& author) {
  return facts::opinion("c", id, author, {"the secret", false, false});
}

void tick(Side<Deliberation>& side) {
  Control control;
  control.mutable_tick();
  side.post(control, "");
}

}  // namespace

TEST_CASE("what waits of a deleted user goes when the conversation is told, before it is folded") {
  Both both;
  both.park();
  both.deliberation.post(secret("o1", "eve"));
  both.deliberation.post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  both.finish();
  REQUIRE(both.deliberation.quarantine().size() == 3);
  both.delete_user("eve");
  both.finish();
  both.require_gone("the secret");
  // The garbage, ann's vote, and what the conversation was told.
  CHECK(both.deliberation.quarantine().size() == 3);

  both.discard(kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  both.require_gone("author_id: \"eve\"");
  CHECK(both.deliberation.tables().find("ann") != std::string::npos);
}

TEST_CASE("so goes what waits of one whose first part in the conversation it is") {
  Both both;
  both.park();
  both.deliberation.post(secret("o1", "new"));
  both.finish();
  both.delete_user("new");
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("so goes what is posted, and waits, after its user was deleted") {
  Both both;
  both.delete_user("eve");
  both.finish();
  both.park();
  both.deliberation.post(secret("o1", "eve"));
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("so goes what waits of one who was merged into the deleted user meanwhile") {
  Both both;
  both.park();
  both.deliberation.post(secret("o1", "eve"));
  both.finish();
  both.merge_user("eve", "fay");
  both.finish();
  both.deliberation.post(secret("o2", "eve"));
  both.finish();
  REQUIRE(both.deliberation.quarantine().size() >= 3);
  both.delete_user("fay");
  both.finish();
  both.require_gone("the secret");
}

TEST_CASE("a fact that breaks a rule and is the deleted user's goes, and the key goes on") {
  Both both;
  both.deliberation.post(secret("no id", "eve"));
  both.deliberation.post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  both.finish();
  REQUIRE(both.deliberation.quarantine().size() == 2);
  both.delete_user("eve");
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  both.require_gone("the secret");
  CHECK(both.deliberation.tables().find("ann") != std::string::npos);
}

TEST_CASE("a conversation that waits loses its deleted owner's seeds and stays") {
  Both both;
  both.deliberation.append("d", "garbage");
  auto created = facts::conversation("d", "eve", deliberation::PARTICIPATION_GUEST, {"s1"});
  created.mutable_conversation_created()->mutable_seeds(0)->set_body("the secret");
  both.deliberation.post(created);
  both.deliberation.post(facts::vote("d", "s1", "ann", deliberation::CHOICE_AGREE));
  const bool seen = GENERATE(false, true);  // by a flush, before the deletion
  if (seen) both.finish();
  both.delete_user("eve");
  both.finish();
  both.require_gone("the secret");
  both.discard(kGarbage);
  both.finish();
  both.require_gone("the secret");
  CHECK(both.deliberation.tables().find("conversation_id: \"d\" owner_id: \"eve\"") !=
        std::string::npos);
  CHECK(both.deliberation.rejections().back().reason == "opinion.unknown");
}

TEST_CASE(
    "only a service erases: what somebody else posts under that name waits and does nothing") {
  Both both;
  both.park();
  both.deliberation.post(secret("o1", "eve"));
  facts::Event removal;
  removal.mutable_participant_removed()->set_conversation_id("c");
  removal.mutable_participant_removed()->set_participant_id("eve");
  Envelope envelope;
  envelope.set_id("forged");
  envelope.set_key("c");
  *envelope.mutable_actor() = facts::actor("mallory");
  envelope.set_payload(removal.SerializeAsString());
  both.deliberation.append("c", envelope.SerializeAsString());
  both.finish();
  CHECK(both.deliberation.quarantine().size() == 3);
}

TEST_CASE(
    "a misrouted record's row has no bytes where they are somebody's, since no erasure comes "
    "there") {
  const std::string key = "c";
  const int elsewhere = partition_of(key, 2) == kOnly ? 3 : 2;
  Side<Deliberation> side("deliberation", partition_of(key, elsewhere) == kOnly ? 5 : elsewhere);
  side.post(secret("o1", "eve"));
  side.append(key, "garbage");
  side.fold();
  const auto rows = side.quarantine();
  REQUIRE(rows.size() == 2);
  CHECK(rows.at(Offset{0}).value == "");
  CHECK(rows.at(Offset{1}).value == "garbage");
  side.pass(kRetention);
  tick(side);
  side.fold();
  CHECK_FALSE(side.quarantine().at(Offset{1}).value);
}

namespace {

std::string enveloped(const std::string& payload, const std::string& domain = "") {
  Envelope envelope;
  envelope.set_id("e");
  envelope.set_key("c");
  envelope.set_domain(domain);
  envelope.set_payload(payload);
  return envelope.SerializeAsString();
}

facts::Event edited(const std::string& title) {
  facts::Event event;
  event.mutable_conversation_edited()->set_conversation_id("c");
  event.mutable_conversation_edited()->set_title(title);
  return event;
}

const std::string kTooLong(1'000, 'x');  // a title

}  // namespace

TEST_CASE(
    "what a deletion may not find ages out of quarantine, and a fact that is nobody's stays") {
  struct Case {
    const char* what;
    std::string key;
    std::string value;
    bool ages;
  };
  facts::Event nameless = secret("o1", "eve");
  nameless.mutable_opinion_created()->clear_author_id();
  const auto [what, key, value, ages] = GENERATE_COPY(values<Case>(
      {{"no envelope", "c", "\xff\xffthe secret", true},
       {"no envelope and no key", "", "\xff\xffthe secret", true},
       {"an unknown fact", "c", enveloped("\xfa\x3f\x0athe secret"), true},
       {"cut behind a fact that is nobody's", "c",
        enveloped(edited("the secret").SerializeAsString() + "\xff"), true},
       {"another domain's", "c", enveloped(edited("the secret").SerializeAsString(), "other"),
        true},
       {"somebody's without a name", "c", enveloped(nameless.SerializeAsString()), true},
       {"of one whom nobody was told of", "c",
        enveloped(secret("no id", "new").SerializeAsString()), true},
       {"a fact that is nobody's", "c", enveloped(edited(kTooLong).SerializeAsString()), false}}));
  INFO(what);
  Side<Deliberation> side("deliberation");
  side.append(key, value);
  side.fold();
  REQUIRE(side.quarantine().at(Offset{0}).value == value);
  side.pass(kRetention - std::chrono::milliseconds(10));
  tick(side);
  side.fold();
  CHECK(side.quarantine().at(Offset{0}).value == value);
  side.pass(std::chrono::milliseconds(10));
  tick(side);
  side.fold();
  for (const bool again : {false, true}) {
    if (again) side.refold();
    CHECK(side.quarantine().at(Offset{0}).value.has_value() == !ages);
    CHECK((side.tables().find("the secret") == std::string::npos || !ages));
  }
}

TEST_CASE("what waits behind a record that has aged out goes on waiting, and is erased as before") {
  Both both;
  both.park();
  both.deliberation.post(secret("o1", "eve"));
  both.deliberation.post(facts::vote("c", "s", "ann", deliberation::CHOICE_AGREE));
  both.finish();
  both.deliberation.pass(kRetention);
  tick(both.deliberation);
  both.finish();
  auto rows = both.deliberation.quarantine();
  REQUIRE(rows.size() == 3);
  CHECK_FALSE(rows.at(Offset{kGarbage}).value);
  CHECK(rows.at(Offset{kGarbage + 1}).value);
  both.delete_user("eve");
  both.finish();
  both.require_gone("the secret");
  both.discard(kGarbage);
  both.finish();
  CHECK(both.deliberation.quarantine().empty());
  CHECK(both.deliberation.tables().find("ann") != std::string::npos);
}

TEST_CASE("what was discarded or erased leaves no timer behind") {
  Both both;
  both.park();
  both.deliberation.post(secret("no id", "eve"));
  both.finish();
  REQUIRE(both.deliberation.tables().find("kind: -1") != std::string::npos);
  both.delete_user("eve");
  both.discard(kGarbage);
  both.finish();
  CHECK(both.deliberation.tables().find("kind: -1") == std::string::npos);
}

}  // namespace sluice
