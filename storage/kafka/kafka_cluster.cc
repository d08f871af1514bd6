#include "storage/kafka/kafka_cluster.h"

#include <cstdint>
#include <memory>

#include "storage/base/errors.h"
#include "storage/kafka/error.h"
#include "storage/kafka/handles.h"
#include "storage/kafka/topic_metadata.h"

namespace sluice::kafka {
namespace {

using GroupList = std::unique_ptr<const rd_kafka_group_list, Destroy<rd_kafka_group_list_destroy>>;

// What a member was given, as the consumers' protocol has it: a version, then topics with their
// partitions, all big-endian. Source: ConsumerProtocolAssignment.json of Apache Kafka.
class Assignment {
 public:
  Assignment(const void* bytes, int size)
      : rest_(static_cast<const char*>(bytes),
              bytes == nullptr ? 0 : static_cast<std::size_t>(size)) {}

  // Nothing where it is cut short.
  std::vector<Partition> of(std::string_view topic) {
    std::vector<Partition> all;
    number(2);
    for (std::uint32_t topics = number(4); topics > 0 && !cut_; --topics) {
      const bool wanted = text(number(2)) == topic;
      for (std::uint32_t count = number(4); count > 0 && !cut_; --count) {
        const Partition partition{static_cast<std::int32_t>(number(4))};
        if (wanted && !cut_) all.push_back(partition);
      }
    }
    return all;
  }

 private:
  std::string_view text(std::size_t size) {
    cut_ = cut_ || size > rest_.size();
    if (cut_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::uint32_t number(std::size_t bytes) {
    std::uint32_t value = 0;
    for (const char byte : text(bytes)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }

  std::string_view rest_;
  bool cut_ = false;
};

GroupMemberSeen seen(const rd_kafka_group_member_info& member, std::string_view topic) {
  GroupMemberSeen seen{
      member.member_id, member.client_id, member.client_host,
      Assignment(member.member_assignment, member.member_assignment_size).of(topic)};
  // Brokers write it as an address of Java's.
  if (seen.host.starts_with('/')) seen.host.erase(0, 1);
  return seen;
}

}  // namespace

KafkaCluster::KafkaCluster(const KafkaConfig& config)
    : deadline_(config.question_deadline),
      client_(RD_KAFKA_PRODUCER, config, topology_properties(), 0) {}

std::optional<std::vector<ReplicasSeen>> KafkaCluster::replicas(std::string_view stream) {
  const std::string name(stream);
  const std::string doing = "asking who serves " + name;
  const Metadata told = metadata_of(client_.get(), name, deadline_, doing);
  if (told == nullptr) return std::nullopt;
  const rd_kafka_metadata_topic_t& found = told->topics[0];
  constexpr int kNobody = -1;
  std::vector<ReplicasSeen> all;
  for (int i = 0; i < found.partition_cnt; ++i) {
    const rd_kafka_metadata_partition_t& each = found.partitions[i];
    all.push_back({Partition{each.id}, each.leader != kNobody,
                   static_cast<std::size_t>(each.replica_cnt),
                   static_cast<std::size_t>(each.isr_cnt)});
  }
  return all;
}

// Not DescribeConsumerGroups: an answer of its coordinator that comes too late, or not at all,
// makes librdkafka abort the process (github.com/confluentinc/librdkafka/pull/5397).
std::vector<GroupMemberSeen> KafkaCluster::members(std::string_view group,
                                                   std::string_view stream) {
  const std::string name(group);
  const std::string doing = "asking who is in the group " + name;
  const rd_kafka_group_list* answer = nullptr;
  const auto code = rd_kafka_list_groups(client_.get(), name.c_str(), &answer,
                                         static_cast<int>(deadline_.count()));
  // Others than the group's coordinator may be away.
  if (code != RD_KAFKA_RESP_ERR__PARTIAL) check(code, doing);
  const GroupList owned(answer);
  std::vector<GroupMemberSeen> all;
  for (int i = 0; i < answer->group_cnt; ++i) {
    const rd_kafka_group_info& found = answer->groups[i];
    if (found.group != name) continue;
    check(found.err, doing);
    for (int m = 0; m < found.member_cnt; ++m) all.push_back(seen(found.members[m], stream));
    return all;
  }
  check(code, doing);
  return all;
}

}  // namespace sluice::kafka
