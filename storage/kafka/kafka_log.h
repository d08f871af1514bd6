#pragma once

// Sluice's log on Apache Kafka, through librdkafka. A stream is a topic of its name.

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_log.h"
#include "storage/log_cluster.h"
#include "storage/log_topology.h"
#include "storage/stream_settings.h"

namespace sluice {

namespace kafka {
class RejoinDelay;
class Statistics;
}  // namespace kafka

struct KafkaConfig {
  std::string brokers;  // host:port, comma separated
  std::string client_id = "sluice";
  // Until an append has been acknowledged; then it throws Retryable.
  std::chrono::milliseconds append_deadline{10'000};
  // Until a question about streams and partitions is answered. Less than a stop may take: one that
  // comes in the middle of a question waits for its end.
  std::chrono::milliseconds question_deadline{8'000};
  // What one reader may hold of fetched, not yet polled records, our overhead included. On top of
  // it comes one fetch in flight: a sixteenth of it as compressed in the log, some times that
  // unpacked.
  std::size_t read_bytes = 32u << 20;
  // Of streams made by create(); absent: the broker's own default.
  std::optional<int> replication_factor;
  // Any property of librdkafka by its own name: TLS, SASL, compression, ... What correctness needs
  // is set after these and cannot be changed by them.
  std::map<std::string, std::string> properties;
  // Hears what readers are told of their brokers and queues; null: nobody does.
  std::shared_ptr<kafka::Statistics> statistics = nullptr;
};

// A place in a consumer group.
struct KafkaMember {
  std::string group;
  // Static membership: a reader that is opened again under its instance within the session timeout
  // (10 s) has its partitions as before, and nobody is rebalanced. Unique in the group. Empty: an
  // ordinary member, which leaves the group when it is closed.
  std::string instance;
};

// Makes writers, readers and topologies, which share nothing but which static members went with
// nothing. They connect by themselves, and again whenever the broker was away.
class KafkaLog {
 public:
  // Throws Misconfigured, naming it, for a property that librdkafka does not know or take.
  explicit KafkaLog(KafkaConfig config);

  // `append_deadline`: instead of the configured one.
  [[nodiscard]] std::unique_ptr<EventWriter> writer(
      std::optional<std::chrono::milliseconds> append_deadline = std::nullopt) const;

  // A member of a group; the group decides which partitions it has. While the broker is away poll()
  // is silent; after the session timeout its partitions are lost until it is back. poll() throws
  //   Corrupt        a position that the log does not have: that partition yields nothing more
  //                  until seek(), others go on;
  //   Misconfigured  no such stream, no permission, a stream without LogAppendTime, an instance
  //                  that somebody else has taken.
  // `ownership` must outlive the reader; it is not called by the destructor. Throws Retryable
  // itself for a static member that went with nothing less than a session ago.
  [[nodiscard]] std::unique_ptr<EventReader> reader(std::string_view stream,
                                                    const KafkaMember& member,
                                                    Ownership& ownership) const;

  // Of these partitions and no group, to look without taking part. show_progress() does nothing.
  [[nodiscard]] std::unique_ptr<EventReader> reader(std::string_view stream,
                                                    std::vector<Partition> partitions,
                                                    Ownership& ownership) const;

  // `deadline`: instead of the configured one, for each question.
  [[nodiscard]] std::unique_ptr<LogTopology> topology(
      std::optional<std::chrono::milliseconds> deadline = std::nullopt) const;
  [[nodiscard]] std::unique_ptr<LogCluster> cluster(
      std::optional<std::chrono::milliseconds> deadline = std::nullopt) const;
  [[nodiscard]] std::unique_ptr<StreamSettings> settings() const;
  // What librdkafka told last of each reader, some seconds ago: JSON as its STATISTICS.md has it.
  [[nodiscard]] std::vector<std::string> statistics() const;

 private:
  KafkaConfig config_;
  std::shared_ptr<kafka::RejoinDelay> rejoin_delay_;
};

}  // namespace sluice
