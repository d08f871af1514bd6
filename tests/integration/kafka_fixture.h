#pragma once

#include <memory>
#include <string>

#include "storage/kafka/kafka_log.h"
#include "tests/contract/log_reading.h"
#include "tests/support/kafka_broker.h"

namespace sluice::testing {

// The broker that this program's tests share, unless they do harm to theirs.
inline KafkaBroker& shared_broker() {
  static KafkaBroker broker({"group.min.session.timeout.ms=1000"});
  return broker;
}

// A log on a broker, with one writer and the topology.
struct KafkaFixture {
  explicit KafkaFixture(const KafkaBroker& broker, KafkaConfig other = {})
      : log(at(broker, std::move(other))), topology(log.topology()), writer(log.writer()) {}

  static KafkaConfig at(const KafkaBroker& broker, KafkaConfig config) {
    config.brokers = broker.bootstrap();
    return config;
  }

  // All partitions of the stream, without a group.
  std::unique_ptr<EventReader> everything(const std::string& stream, Ownership& ownership) {
    std::vector<Partition> all;
    for (int i = 0; i < topology->partitions(stream); ++i) all.push_back(Partition{i});
    return log.reader(stream, all, ownership);
  }

  KafkaLog log;
  std::unique_ptr<LogTopology> topology;
  std::unique_ptr<EventWriter> writer;
};

}  // namespace sluice::testing
