#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::testing {

// What operators do to topics, and what befalls them. Each returns when the cluster's controller
// has done it; brokers may hear of it a moment later. Throws std::runtime_error where it is
// refused.
class TopicChanges {
 public:
  explicit TopicChanges(const std::string& brokers);

  void remove(const std::string& topic);
  // Deletes the records before `offset`, as retention would.
  void trim(const std::string& topic, int partition, std::int64_t offset);
  // To so many in all.
  void add_partitions(const std::string& topic, int partitions);

 private:
  struct Destroy {
    void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
    void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  };
  std::unique_ptr<rd_kafka_event_t, Destroy> answer();

  std::unique_ptr<rd_kafka_t, Destroy> client_;
  std::unique_ptr<rd_kafka_queue_t, Destroy> queue_;
};

// Sets one property of a topic and leaves the others.
void set_topic(const std::string& brokers, const std::string& topic, const std::string& setting,
               const std::string& value);

}  // namespace sluice::testing
