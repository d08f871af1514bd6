#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "storage/base/log_identity.h"
#include "storage/base/mutex.h"
#include "storage/kafka/client.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {

// Reads the first record of partitions, one at a time, with a consumer that joins no group and is
// made when it is first needed. Any thread, also several at a time.
class FirstRecord {
 public:
  explicit FirstRecord(KafkaConfig config);
  ~FirstRecord();
  FirstRecord(const FirstRecord&) = delete;
  FirstRecord& operator=(const FirstRecord&) = delete;

  // What the first record that can be read tells of a partition whose first offset is 0; nullopt:
  // there is none. Throws Retryable when no broker tells in time.
  [[nodiscard]] std::optional<LogIdentity> identity(const std::string& cluster,
                                                    const std::string& stream, Partition partition);

 private:
  [[nodiscard]] std::optional<LogIdentity> ask(const std::string& cluster,
                                               const std::string& stream, Partition partition)
      SLUICE_REQUIRES(mutex_);

  const KafkaConfig config_;
  Mutex mutex_;
  // Null: not yet made, or the last question failed.
  std::unique_ptr<Client> client_ SLUICE_GUARDED_BY(mutex_);
  std::set<std::string> looked_up_ SLUICE_GUARDED_BY(mutex_);  // streams, by client_
};

}  // namespace sluice::kafka
