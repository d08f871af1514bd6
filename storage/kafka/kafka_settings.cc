#include "storage/kafka/kafka_settings.h"

#include <array>

#include "storage/base/errors.h"
#include "storage/kafka/error.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {
namespace {

using Resource =
    std::unique_ptr<rd_kafka_ConfigResource_t, Destroy<rd_kafka_ConfigResource_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;

Resource resource_of(const std::string& topic) {
  Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  if (resource == nullptr) throw Misconfigured("\"" + topic + "\" is no topic's name");
  return resource;
}

AdminOptions options_for(rd_kafka_t* client, rd_kafka_admin_op_t what,
                         std::chrono::milliseconds deadline, const std::string& doing) {
  AdminOptions options(rd_kafka_AdminOptions_new(client, what));
  std::array<char, 512> error{};
  check(rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(deadline.count()),
                                                  error.data(), error.size()),
        doing);
  return options;
}

// The one answer to a question.
Event answer(rd_kafka_queue_t* queue, std::chrono::milliseconds deadline,
             const std::string& doing) {
  Event event(rd_kafka_queue_poll(queue, 2 * static_cast<int>(deadline.count())));
  if (event == nullptr) throw Retryable(doing + ": no answer" + std::string(kIsBrokerThere));
  const auto code = rd_kafka_event_error(event.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    fail(code, doing, rd_kafka_event_error_string(event.get()));
  }
  return event;
}

void require(const rd_kafka_ConfigResource_t& resource, const std::string& doing) {
  const auto code = rd_kafka_ConfigResource_error(&resource);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* detail = rd_kafka_ConfigResource_error_string(&resource);
  fail(code, doing, detail == nullptr ? "" : detail);
}

}  // namespace

KafkaSettings::KafkaSettings(const KafkaConfig& config)
    : deadline_(config.question_deadline),
      client_(RD_KAFKA_PRODUCER, config, topology_properties(), 0) {}

std::vector<SettingFault> KafkaSettings::faults(std::string_view stream) {
  const std::string topic(stream);
  return faults_of(describe_topic(topic).all, replication_factor(topic));
}

KafkaSettings::Described KafkaSettings::describe_topic(const std::string& topic) const {
  const std::string doing = "reading the settings of " + topic;
  const AdminOptions options =
      options_for(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, deadline_, doing);
  const Queue queue(rd_kafka_queue_new(client_.get()));
  const Resource asked = resource_of(topic);
  std::array<rd_kafka_ConfigResource_t*, 1> resources{asked.get()};
  rd_kafka_DescribeConfigs(client_.get(), resources.data(), resources.size(), options.get(),
                           queue.get());
  const Event event = answer(queue.get(), deadline_, doing);
  std::size_t count = 0;
  const auto* found = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count != 1) fail(RD_KAFKA_RESP_ERR__BAD_MSG, doing);
  require(*found[0], doing);
  const auto* entries = rd_kafka_ConfigResource_configs(found[0], &count);
  Described described;
  for (std::size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value == nullptr) continue;  // secret
    const std::string name = rd_kafka_ConfigEntry_name(entries[i]);
    described.all[name] = value;
    if (rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG) {
      described.own[name] = value;
    }
  }
  return described;
}

int KafkaSettings::replication_factor(const std::string& topic) const {
  const std::string doing = "asking for the replicas of " + topic;
  const Topic handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  if (handle == nullptr) fail(rd_kafka_last_error(), doing);
  const rd_kafka_metadata_t* told = nullptr;
  check(
      rd_kafka_metadata(client_.get(), 0, handle.get(), &told, static_cast<int>(deadline_.count())),
      doing);
  const Metadata owned(told);
  if (told->topic_cnt != 1 || told->topics[0].partition_cnt == 0) {
    fail(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, doing);
  }
  return told->topics[0].partitions[0].replica_cnt;
}

// AlterConfigs sets all that a topic has of its own: what is not sent goes back to the broker's
// default. So what is there goes with it.
void KafkaSettings::mend(std::string_view stream, const std::vector<SettingFault>& faults) {
  const std::string topic(stream);
  const std::string doing = "changing the settings of " + topic;
  TopicSettings settings = describe_topic(topic).own;
  bool changes = false;
  for (const SettingFault& fault : faults) {
    if (fault.wanted.empty()) continue;
    settings[fault.setting] = fault.wanted;
    changes = true;
  }
  if (!changes) return;
  const Resource resource = resource_of(topic);
  for (const auto& [name, value] : settings) {
    check(rd_kafka_ConfigResource_set_config(resource.get(), name.c_str(), value.c_str()), doing);
  }
  const AdminOptions options =
      options_for(client_.get(), RD_KAFKA_ADMIN_OP_ALTERCONFIGS, deadline_, doing);
  const Queue queue(rd_kafka_queue_new(client_.get()));
  std::array<rd_kafka_ConfigResource_t*, 1> resources{resource.get()};
  rd_kafka_AlterConfigs(client_.get(), resources.data(), resources.size(), options.get(),
                        queue.get());
  const Event event = answer(queue.get(), deadline_, doing);
  std::size_t count = 0;
  const auto* results = rd_kafka_AlterConfigs_result_resources(
      rd_kafka_event_AlterConfigs_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) require(*results[i], doing);
}

}  // namespace sluice::kafka
