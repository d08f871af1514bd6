#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "storage/event_log.h"
#include "storage/kafka/client.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {

// One librdkafka producer, idempotent. Settles the records of one append after the other. One that
// is not sound any more is to be destroyed: what it has not sent goes with it.
class KafkaProducer {
 public:
  using Clock = std::chrono::steady_clock;

  KafkaProducer(const KafkaConfig& config, ProducerSettings settings);
  // When it returns nothing refers to the bytes of a record any more.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // Returns when each record has an offset or a failure, soon after `deadline` at the latest. A
  // gapless producer gives up all that is unsettled at the first failure; another goes on, and
  // gives up what has not moved for two seconds while other records of the append did. `too_large`
  // gets those that the broker refused for the size of the batch in which they came: that batch may
  // have had one record or many. They have neither offset nor failure yet. Throws Misconfigured: no
  // such stream, or no permission.
  void append(const std::string& stream, std::vector<NewRecord*> records,
              Clock::time_point deadline, std::vector<NewRecord*>& too_large);

  [[nodiscard]] const ProducerSettings& settings() const { return settings_; }
  // Of key and value, whatever the topic takes.
  [[nodiscard]] std::size_t largest_record() const { return largest_record_; }
  [[nodiscard]] bool sound() const;
  [[nodiscard]] rd_kafka_t* client() const { return client_.get(); }

 private:
  struct Call;

  rd_kafka_topic_t* topic(const std::string& stream);
  void enqueue(Call& call);
  void refuse_unsent(Call& call, const rd_kafka_message_t& message);
  void take_reports(Call& call, std::chrono::milliseconds patience);
  void take_report(Call& call, const rd_kafka_message_t& message);
  void give_up(Call& call);

  const ProducerSettings settings_;
  Client client_;
  Queue reports_;
  const std::size_t largest_record_;
  std::map<std::string, Topic> topics_;
  std::vector<rd_kafka_message_t> messages_;
  bool gave_up_ = false;
};

}  // namespace sluice::kafka
