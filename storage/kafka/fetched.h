#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "storage/base/position.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {

// Where a reader's records arrive: a queue of its own beside the client's events, so that records
// are taken in batches and rebalances one by one.
class Fetched {
 public:
  explicit Fetched(rd_kafka_t* client);
  ~Fetched();
  Fetched(const Fetched&) = delete;
  Fetched& operator=(const Fetched&) = delete;

  // From now on the partition's records arrive here. Before it is assigned.
  void gather(const std::string& topic, Partition partition);

  // Gives back the batch before, and takes what is there without waiting. Among the records may be
  // errors of a partition. Borrowed: valid until the next take() or release().
  std::span<rd_kafka_message_t* const> take();
  void release();
  // How many records wait to be taken.
  [[nodiscard]] std::size_t waiting() const { return rd_kafka_queue_length(records_.get()); }

  // Where answers may be asked to.
  [[nodiscard]] rd_kafka_queue_t* events() const { return events_.get(); }
  // The next of the client's events; null when there is none.
  [[nodiscard]] Event event();

  // Waits until something may have arrived; false at the deadline.
  [[nodiscard]] bool wait(std::chrono::steady_clock::time_point deadline) const;

 private:
  rd_kafka_t* const client_;
  const int wakeup_;  // an eventfd that both queues write to
  const Queue events_;
  const Queue records_;
  std::vector<rd_kafka_message_t*> batch_;
};

}  // namespace sluice::kafka
