#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/kafka/client.h"
#include "storage/kafka/first_record.h"
#include "storage/log_topology.h"

namespace sluice::kafka {

// Topics. Any thread, also several at a time.
class KafkaTopology final : public LogTopology {
 public:
  explicit KafkaTopology(const KafkaConfig& config);

  std::optional<int> partitions(std::string_view stream) override;
  void create(std::string_view stream, int partitions) override;
  LogRange range(std::string_view stream, Partition partition) override;
  std::string name() override;
  // Told by the partition's first record: librdkafka 2.0 has no topic ids. None while the partition
  // is empty or has lost that record.
  std::optional<LogIdentity> identity(std::string_view stream, Partition partition) override;

 private:
  void request(const std::string& stream, int partitions);
  void wait_until_known(const std::string& stream, int partitions);
  // The first offset that there is, or the next one that there will be.
  [[nodiscard]] rd_kafka_resp_err_t edge(const std::string& stream, Partition partition,
                                         std::int64_t which, Offset& found);
  [[nodiscard]] rd_kafka_resp_err_t ask(const std::string& stream, Partition partition,
                                        LogRange& range);

  const std::chrono::milliseconds deadline_;
  const std::optional<int> replication_factor_;
  Client client_;
  FirstRecord first_record_;
};

}  // namespace sluice::kafka
