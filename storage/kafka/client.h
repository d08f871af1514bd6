#pragma once

// A configured librdkafka client.

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/kafka/kafka_log.h"
#include "storage/kafka/log_lines.h"

namespace sluice::kafka {

class Statistics;

using Properties = std::map<std::string, std::string>;

// What a role sets: `usual` gives way to the operator's pass-through, `required` does not.
struct RoleProperties {
  Properties usual;
  Properties required;
};

// How a producer sends.
struct ProducerSettings {
  // What fails takes with it all that is behind it, in every partition: no gap, for emitters.
  bool gapless = true;
  // A topic refuses a request's batch for a partition that is larger than its max.message.bytes.
  std::optional<std::size_t> batch_bytes = std::nullopt;
  // One record a batch: then a batch that is refused names the record.
  bool alone = false;
  friend bool operator==(const ProducerSettings&, const ProducerSettings&) = default;
};

[[nodiscard]] RoleProperties writer_properties(const KafkaConfig& config,
                                               const ProducerSettings& settings);
[[nodiscard]] RoleProperties reader_properties(const KafkaConfig& config,
                                               const KafkaMember& member);
[[nodiscard]] RoleProperties topology_properties();

// How many fetched records a reader may keep: librdkafka counts keys and values only, and what it
// keeps around a record is as large as a small one.
[[nodiscard]] std::size_t fetched_records(const KafkaConfig& config);

// Throws Misconfigured, naming the property. Connects to nobody.
void require_known(const KafkaConfig& config);

// Has the client learn where the stream's partitions are, as far as the cluster says so in time. A
// client that is assigned partitions of a stream that it does not know looks that up by a timer of
// its own, half a second to a second later.
void look_up(rd_kafka_t* client, const std::string& stream, std::chrono::milliseconds deadline);

// How long a group remembers a member that it does not hear.
[[nodiscard]] std::chrono::milliseconds session_of(rd_kafka_t* client);

class Client {
 public:
  // `events`: RD_KAFKA_EVENT_ flags. Throws Misconfigured.
  Client(rd_kafka_type_t type, const KafkaConfig& config, const RoleProperties& role, int events);
  // Within seconds, whatever the broker does: what of a consumer has not ended by then ends by
  // itself.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] rd_kafka_t* get() const { return client_; }

  // Throws when the client cannot go on without a person, or at all; else it copes by itself.
  void take_error(rd_kafka_event_t* event) const;

  // Whether partitions were not to be found since this was last asked: their topic is gone, or was
  // and is made anew. It is set while records are taken, before any of the new topic.
  [[nodiscard]] bool take_vanished() { return std::exchange(heard_->vanished, false); }

  // What librdkafka tells of it now and then.
  void take_statistics(rd_kafka_event_t* event) const;

  // Leaves the client to the end of the process, silent. For one that cannot be destroyed.
  void abandon();
  // The process ends: from now on destructors of consumers abandon them. Any thread.
  static void end_with_process();

 private:
  static void write_line(const rd_kafka_t* client, int level, const char* kind, const char* text);
  [[noreturn]] void fail_fenced(std::string_view reason) const;
  static void take_partition_error(rd_kafka_t* client, int code, const char* text, void* self);

  using Clock = std::chrono::steady_clock;

  // Of librdkafka's callbacks.
  struct Heard {
    explicit Heard(std::string client) : lines(std::move(client)) {}
    LogLines lines;
    bool vanished = false;
    std::atomic<bool> nobody_listens = false;
    std::shared_ptr<Heard> kept;  // itself, of an abandoned client: to the end of the process
  };

  const Clock::time_point opened_ = Clock::now();
  const std::shared_ptr<Statistics> statistics_;  // null: nobody hears of them
  std::shared_ptr<Heard> heard_;                  // librdkafka's threads may outlive us
  rd_kafka_t* client_ = nullptr;                  // null: abandoned
};

}  // namespace sluice::kafka
