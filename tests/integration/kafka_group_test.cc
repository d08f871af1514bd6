// Groups on a real broker: partitions move, and at no time are two readers told of the same one.

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "storage/base/errors.h"
#include "storage/kafka/rejoin_delay.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr int kPartitions = 4;

// What all members of a group have done together: a position a partition, as Postgres keeps it.
struct Group {
  std::map<Partition, const void*> owner;
  std::map<Partition, Offset> next;
  int violations = 0;
};

// A member that takes records up to date the moment that it has them.
class Member final : public Ownership {
 public:
  Member(const KafkaLog& log, const std::string& stream, const KafkaMember& who, Group& group)
      : group_(group), reader_(log.reader(stream, who, *this)) {}

  Offset acquired(Partition partition) override {
    const void*& owner = group_.owner[partition];
    group_.violations += owner != nullptr;
    owner = this;
    ++acquisitions;
    has.insert(partition);
    return group_.next[partition];
  }
  void lost(Partition partition) override {
    group_.owner[partition] = nullptr;
    has.erase(partition);
    ++losses;
  }
  void pause(Partition partition) { reader_->pause(partition, true); }
  void turn() {
    for (const LogRecord& r : reader_->poll(kPoll)) {
      Offset& next = group_.next[r.partition];
      group_.violations += r.offset != next || group_.owner[r.partition] != this;
      next = r.offset.next();
    }
  }

  std::set<Partition> has;
  int acquisitions = 0;
  int losses = 0;

 private:
  Group& group_;
  std::unique_ptr<EventReader> reader_;
};

// Sessions.
KafkaConfig brief() {
  KafkaConfig config;
  config.properties = {{"session.timeout.ms", "2000"}, {"heartbeat.interval.ms", "300"}};
  return config;
}

void remove_topic(const std::string& topic) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", shared_broker().bootstrap().c_str(), nullptr, 0);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
  rd_kafka_queue_t* answers = rd_kafka_queue_new(client);
  rd_kafka_DeleteTopic_t* deletion = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(client, &deletion, 1, nullptr, answers);
  rd_kafka_event_t* answer = rd_kafka_queue_poll(answers, 30'000);
  REQUIRE(answer != nullptr);
  CHECK(rd_kafka_event_error(answer) == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(answer);
  rd_kafka_DeleteTopic_destroy(deletion);
  rd_kafka_queue_destroy(answers);
  rd_kafka_destroy(client);
}

// What Kafka's own tools would show.
std::int64_t committed(const std::string& group, const std::string& stream) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", shared_broker().bootstrap().c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "group.id", group.c_str(), nullptr, 0);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
  rd_kafka_topic_partition_list_t* asked = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(asked, stream.c_str(), 0);
  rd_kafka_committed(client, asked, 5000);
  const std::int64_t offset = asked->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(asked);
  rd_kafka_destroy(client);
  return offset;
}

}  // namespace

TEST_CASE("partitions move between two members: no record is lost, none given to both") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, kPartitions);
  const std::string name = unique_stream();
  int appended = 0;
  const auto append = [&] {
    for (int p = 0; p < kPartitions; ++p) {
      append_numbered(*kafka.writer, stream, Partition{p}, appended, 10);
    }
    appended += 10;
  };
  Group group;
  Member first(kafka.log, stream, {.group = name, .instance = {}}, group);
  REQUIRE(eventually([&] { return append(), first.turn(), first.has.size() == kPartitions; }));
  {
    Member second(kafka.log, stream, {.group = name, .instance = {}}, group);
    REQUIRE(eventually([&] {
      append();
      first.turn();
      second.turn();
      return first.has.size() == 2 && second.has.size() == 2;
    }));
    // Cooperative: what stays with it is not taken away in between.
    CHECK(first.losses == 2);
    for (int i = 0; i < 10; ++i) append(), first.turn(), second.turn();
    // Its destructor leaves the group; as its worker would, the partitions are let go before.
    for (const Partition p : second.has) group.owner[p] = nullptr;
  }
  REQUIRE(eventually([&] { return append(), first.turn(), first.has.size() == kPartitions; }));
  REQUIRE(eventually([&] {
    first.turn();
    for (int p = 0; p < kPartitions; ++p) {
      if (group.next[Partition{p}] != Offset{appended}) return false;
    }
    return true;
  }));
  CHECK(group.violations == 0);
}

TEST_CASE("a partition that was paused when it was lost is read when it comes back") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, kPartitions);
  const std::string name = unique_stream();
  Group group;
  Member first(kafka.log, stream, {.group = name, .instance = {}}, group);
  REQUIRE(eventually([&] { return first.turn(), first.has.size() == kPartitions; }));
  const std::set<Partition> before = first.has;
  for (const Partition p : before) first.pause(p);
  std::set<Partition> moved;
  {
    Member second(kafka.log, stream, {.group = name, .instance = {}}, group);
    REQUIRE(eventually([&] { return first.turn(), second.turn(), second.has.size() == 2; }));
    moved = second.has;
    for (const Partition p : moved) group.owner[p] = nullptr;
  }
  REQUIRE(eventually([&] { return first.turn(), first.has == before; }));
  for (const Partition p : before) append_numbered(*kafka.writer, stream, p, 0, 10);
  CHECK(eventually([&] {
    first.turn();
    return std::ranges::all_of(moved, [&](Partition p) { return group.next[p] == Offset{10}; });
  }));
  CHECK(group.violations == 0);
}

TEST_CASE("a static member that starts again has its partitions, and nobody is rebalanced") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, kPartitions);
  const std::string name = unique_stream();
  Group group;
  Member stays(kafka.log, stream, {.group = name, .instance = "stays"}, group);
  auto restarts = std::make_unique<Member>(
      kafka.log, stream, KafkaMember{.group = name, .instance = "restarts"}, group);
  REQUIRE(eventually([&] {
    stays.turn();
    restarts->turn();
    return stays.has.size() == 2 && restarts->has.size() == 2;
  }));
  const std::set<Partition> before = restarts->has;
  const int losses = stays.losses;
  const int acquisitions = stays.acquisitions;
  for (const Partition p : before) group.owner[p] = nullptr;
  restarts.reset();
  restarts = std::make_unique<Member>(kafka.log, stream,
                                      KafkaMember{.group = name, .instance = "restarts"}, group);
  REQUIRE(eventually([&] { return stays.turn(), restarts->turn(), restarts->has.size() == 2; }));
  CHECK(restarts->has == before);
  append_numbered(*kafka.writer, stream, *before.begin(), 0, 10);
  REQUIRE(eventually([&] {
    stays.turn();
    restarts->turn();
    return group.next[*before.begin()] == Offset{10};
  }));
  CHECK(stays.losses == losses);
  CHECK(stays.acquisitions == acquisitions);
  CHECK(group.violations == 0);
}

TEST_CASE("a static member that stays away loses its partitions after the session timeout") {
  if (!kafka_or_skip()) return;
  KafkaConfig config;
  config.properties = {{"session.timeout.ms", "2000"}, {"heartbeat.interval.ms", "300"}};
  KafkaFixture kafka(shared_broker(), config);
  const std::string stream = new_stream(*kafka.topology, kPartitions);
  const std::string name = unique_stream();
  Group group;
  Member stays(kafka.log, stream, {.group = name, .instance = "stays"}, group);
  {
    Member goes(kafka.log, stream, {.group = name, .instance = "goes"}, group);
    REQUIRE(eventually([&] {
      stays.turn();
      goes.turn();
      return stays.has.size() == 2 && goes.has.size() == 2;
    }));
    for (const Partition p : goes.has) group.owner[p] = nullptr;
  }
  CHECK(eventually([&] { return stays.turn(), stays.has.size() == kPartitions; }));
  CHECK(group.violations == 0);
}

TEST_CASE("an instance that another process has taken over says so and does not come back") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  const KafkaMember one{.group = unique_stream(), .instance = "one"};
  Positions positions;
  const auto zombie = kafka.log.reader(stream, one, positions);
  take_acquired(*zombie, positions, 1);
  Positions others;
  const auto heir = kafka.log.reader(stream, one, others);
  take_acquired(*heir, others, 1);
  CHECK_THROWS_AS(take(*zombie, positions, 1), Misconfigured);
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 1);
  CHECK(take(*heir, others, 1).size() == 1);
}

TEST_CASE("members who come back are given partitions of a stream that was gone") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker(), brief());
  const std::string stream = new_stream(*kafka.topology, kPartitions);
  const std::string name = unique_stream();
  const auto join = [&](Group& group) {
    std::vector<std::unique_ptr<Member>> both;
    for (const char* instance : {"one", "two"}) {
      both.push_back(std::make_unique<Member>(
          kafka.log, stream, KafkaMember{.group = name, .instance = instance}, group));
    }
    return both;
  };
  const auto together = [&](std::vector<std::unique_ptr<Member>>& both) {
    for (const auto& member : both) {
      try {
        member->turn();
      } catch (const Retryable&) {  // as long as the stream is gone
      } catch (const Unreadable&) {
      }
    }
    return both[0]->has.size() + both[1]->has.size();
  };
  Group before;
  auto members = join(before);
  REQUIRE(eventually([&] { return together(members) == kPartitions; }));
  remove_topic(stream);
  REQUIRE(eventually([&] { return together(members) == 0; }));
  members.clear();
  REQUIRE(eventually([&] { return !kafka.topology->partitions(stream); }));
  kafka.topology->create(stream, kPartitions);

  Group after;
  REQUIRE(eventually([&] {
    try {
      members = join(after);
      return true;
    } catch (const Retryable&) {  // as long as the group remembers that they had nothing
      return false;
    }
  }));
  CHECK(eventually([&] { return together(members) == kPartitions; }));
  CHECK(after.violations == 0);
}

// It would be given what it had, nothing, for as long as anybody of its group is there.
TEST_CASE("a static member that went with nothing comes back as a new one") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker(), brief());
  const std::string stream = new_stream(*kafka.topology, 1);
  const std::string name = unique_stream();
  Group group;
  Member has(kafka.log, stream, {.group = name, .instance = "one"}, group);
  REQUIRE(eventually([&] { return has.turn(), has.has.size() == 1; }));
  const KafkaMember two{.group = name, .instance = "two"};
  // True once it cannot be opened.
  const auto remembered = [&] {
    try {
      Member has_not(kafka.log, stream, two, group);
      for (int turns = 0; turns < 10; ++turns) has.turn(), has_not.turn();
      return false;
    } catch (const Retryable&) {
      return true;
    }
  };
  CHECK(eventually(remembered));
  CHECK(eventually([&] { return has.turn(), !remembered(); }));
  CHECK(group.violations == 0);
}

// What it was given may be what a process before it left, which it cannot tell.
TEST_CASE("a static member that has nothing from the beginning joins once more, as a new one") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker(), brief());
  const std::string stream = new_stream(*kafka.topology, 1);
  const std::string name = unique_stream();
  Group group;
  Member has(kafka.log, stream, {.group = name, .instance = "one"}, group);
  REQUIRE(eventually([&] { return has.turn(), has.has.size() == 1; }));
  std::unique_ptr<Member> has_not;
  int times_sent_away = 0;
  // True while it is among the group's members.
  const auto turn = [&] {
    try {
      has.turn();
      if (!has_not) {
        has_not = std::make_unique<Member>(kafka.log, stream,
                                           KafkaMember{.group = name, .instance = "two"}, group);
      }
      has_not->turn();
    } catch (const Retryable&) {
      if (std::exchange(has_not, nullptr)) ++times_sent_away;
    }
    return has_not != nullptr;
  };
  CHECK(eventually([&] { return !turn(); }));
  CHECK(eventually(turn));
  // Longer than what it had nothing for when it was sent away.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(6);
  while (std::chrono::steady_clock::now() < until) turn();
  CHECK(times_sent_away == 1);
  CHECK(has.has.size() == 1);
  CHECK(group.violations == 0);
}

TEST_CASE("a member that has had something since may go for having nothing once more") {
  kafka::RejoinDelay left;
  const KafkaMember one{.group = "g", .instance = "one"};
  CHECK(left.may_leave_idle(one));
  CHECK_FALSE(left.may_leave_idle(one));
  CHECK(left.may_leave_idle({.group = "g", .instance = "two"}));
  left.has_partitions(one);
  CHECK(left.may_leave_idle(one));
}

TEST_CASE("a member may go at any step of its joining") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, kPartitions);
  Positions positions;
  for (int round = 0; round < 4; ++round) {
    const std::string group = unique_stream();
    std::vector<std::unique_ptr<EventReader>> members;
    for (const char* instance : {"", "a", "", "b", ""}) {
      members.push_back(
          kafka.log.reader(stream, {.group = group, .instance = instance}, positions));
    }
    static_cast<void>(members.back()->poll(std::chrono::milliseconds(round * 30)));
  }
  SUCCEED("and takes nobody with it");
}

TEST_CASE("progress is shown to the group's own tools") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 1);
  const std::string group = unique_stream();
  append_numbered(*kafka.writer, stream, Partition{0}, 0, 10);
  Positions positions;
  const auto reader =
      kafka.log.reader(stream, KafkaMember{.group = group, .instance = {}}, positions);
  take(*reader, positions, 10);
  reader->show_progress({{{Partition{0}, Offset{7}}}});
  CHECK(eventually([&] {
    static_cast<void>(reader->poll(kPoll));
    return committed(group, stream) == 7;
  }));
}

}  // namespace sluice::testing
