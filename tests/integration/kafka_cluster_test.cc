// What a real cluster tells of groups, and of partitions that nobody serves.

#include "storage/log_cluster.h"

#include <algorithm>

#include "storage/base/errors.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"

namespace sluice::testing {
namespace {

constexpr std::chrono::milliseconds kPoll{20};

KafkaConfig called(const std::string& name) {
  KafkaConfig config;
  config.client_id = name;
  return config;
}

}  // namespace

TEST_CASE("a group names its members, and what each was given") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker(), called("ours"));
  KafkaFixture others(shared_broker(), called("somebody else"));
  const auto cluster = kafka.log.cluster(std::chrono::seconds(10));
  const std::string stream = new_stream(*kafka.topology, 4);
  const std::string group = unique_stream();
  // The first group of a broker: its coordinator has yet to come up.
  REQUIRE(eventually([&] {
    try {
      return cluster->members(group, stream).empty();
    } catch (const Retryable&) {
      return false;
    }
  }));

  Positions own;
  Positions foreign;
  const auto reader = kafka.log.reader(stream, {.group = group, .instance = "folder-0"}, own);
  const auto other = others.log.reader(stream, {.group = group, .instance = {}}, foreign);
  REQUIRE(eventually([&] {
    reader->poll(kPoll);
    other->poll(kPoll);
    return own.acquired_partitions.size() - own.lost_partitions.size() == 2 &&
           foreign.acquired_partitions.size() - foreign.lost_partitions.size() == 2;
  }));
  std::vector<GroupMemberSeen> members;
  REQUIRE(eventually([&] {
    reader->poll(kPoll);
    other->poll(kPoll);
    members = cluster->members(group, stream);
    return members.size() == 2 && members[0].has.size() == 2 && members[1].has.size() == 2;
  }));
  const auto named = [&](const std::string& client) {
    return *std::ranges::find(members, client, &GroupMemberSeen::client);
  };
  CHECK_THAT(named("ours").member, Catch::StartsWith("folder-0-"));
  CHECK_THAT(named("somebody else").member, Catch::StartsWith("somebody else"));
  CHECK(named("somebody else").host == "127.0.0.1");
  for (const GroupMemberSeen& member : members) {
    CHECK(cluster->members(group, "another stream").size() == 2);
    const auto& positions = member.client == "ours" ? own : foreign;
    for (const Partition partition : member.has) {
      CHECK(std::ranges::count(positions.acquired_partitions, partition) > 0);
    }
  }
}

TEST_CASE("partitions of a stream are served, and a stream that is not there has none") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const auto cluster = kafka.log.cluster();
  CHECK_FALSE(cluster->unserved(unique_stream()));
  const std::string stream = new_stream(*kafka.topology, 3);
  const auto unserved = cluster->unserved(stream);
  REQUIRE(unserved);
  CHECK(unserved->empty());
  const auto replicas = cluster->replicas(stream);
  REQUIRE(replicas);
  CHECK(*replicas == std::vector<ReplicasSeen>{{Partition{0}, true, 1, 1},
                                               {Partition{1}, true, 1, 1},
                                               {Partition{2}, true, 1, 1}});
}

TEST_CASE("a cluster that is away says so within its deadline") {
  KafkaConfig config;
  config.brokers = "127.0.0.1:1";
  const KafkaLog log(config);
  const auto cluster = log.cluster(std::chrono::seconds(1));
  const auto begun = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(cluster->unserved("any"), Retryable);
  CHECK_THROWS_AS(cluster->members("any", "any"), Retryable);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

}  // namespace sluice::testing
