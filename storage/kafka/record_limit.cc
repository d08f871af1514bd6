#include "storage/kafka/record_limit.h"

#include <array>
#include <charconv>
#include <memory>
#include <span>
#include <string_view>

#include "storage/kafka/handles.h"

namespace sluice::kafka {
namespace {

using Resource =
    std::unique_ptr<rd_kafka_ConfigResource_t, Destroy<rd_kafka_ConfigResource_destroy>>;
using Options = std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;

// Around key and value: a batch's head (61 bytes) and a record's own lengths at their longest.
// Source: Kafka's record batch format, version 2.
constexpr std::size_t kOverhead = 100;

std::optional<std::size_t> limit_in(const rd_kafka_ConfigResource_t* topic) {
  if (rd_kafka_ConfigResource_error(topic) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  std::size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(topic, &count);
  for (const rd_kafka_ConfigEntry_t* entry : std::span(entries, count)) {
    if (rd_kafka_ConfigEntry_name(entry) != std::string_view("max.message.bytes")) continue;
    const char* value = rd_kafka_ConfigEntry_value(entry);
    const std::string_view text = value == nullptr ? "" : value;
    std::size_t bytes = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (read.ec == std::errc{} && bytes > kOverhead) return bytes - kOverhead;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> ask_record_limit(rd_kafka_t* client, const std::string& topic,
                                            std::chrono::milliseconds timeout) {
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  const Options options(rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  const auto milliseconds = static_cast<int>(timeout.count());
  std::array<char, 256> error{};
  const auto set = rd_kafka_AdminOptions_set_request_timeout(options.get(), milliseconds,
                                                             error.data(), error.size());
  if (set != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const Queue queue(rd_kafka_queue_new(client));
  std::array<rd_kafka_ConfigResource_t*, 1> asked{resource.get()};
  rd_kafka_DescribeConfigs(client, asked.data(), asked.size(), options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), milliseconds));
  if (event == nullptr || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return std::nullopt;
  }
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** answers = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  return count == 1 ? limit_in(answers[0]) : std::nullopt;
}

}  // namespace sluice::kafka
