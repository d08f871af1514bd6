#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/position.h"

namespace sluice::testing {

// Another application, which writes to topics of ours in transactions: the end of each leaves a
// marker in every partition that it wrote to, at an offset that no reader gets. Throws
// std::runtime_error where the broker refuses.
class Transactions {
 public:
  enum class End { commit, abort };

  explicit Transactions(const std::string& brokers);

  // Opens a transaction where none is open, and appends to the partition. They are in the log when
  // it returns; no reader of committed records gets them, nor what lies behind them, before end().
  void append(std::string_view topic, Partition partition, const std::vector<std::string>& values);
  // The marker is in the log when it returns.
  void end(End how);

 private:
  struct Destroy {
    void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  };
  std::unique_ptr<rd_kafka_t, Destroy> client_;
  bool open_ = false;
};

}  // namespace sluice::testing
