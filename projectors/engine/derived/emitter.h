#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "projectors/engine/derived/outbox.h"
#include "storage/event_log.h"
#include "storage/log_topology.h"

namespace sluice {

// Appends what folds have emitted to the receivers' streams, in order and without a gap: a receiver
// drops what is not higher than what it has, so a predecessor that came late would be dropped for
// good. The order holds across streams too: a consequence in one stream never comes before what was
// emitted earlier to another. One a worker, used by its thread.
class Emitter {
 public:
  // Both must outlive it. So many records go into one append, so that each is done in its time.
  Emitter(EventWriter& writer, LogTopology& topology, std::size_t records_an_append)
      : writer_(writer), topology_(topology), records_an_append_(records_an_append) {}

  // Returns when every record is acknowledged. Retryable: some are not, and nothing behind the
  // first of those is in the log or ever will be but by calling this again. Misconfigured: a
  // receiver has no stream.
  void append(Outbox& outbox);

 private:
  void append(std::span<const DerivedRecord> records, const std::string& stream);
  [[nodiscard]] int partitions_of(const std::string& stream);

  EventWriter& writer_;
  LogTopology& topology_;
  const std::size_t records_an_append_;
  std::map<std::string, int> partitions_;  // by stream; fixed for good once it is there
  std::vector<NewRecord> batch_;           // reused
};

}  // namespace sluice
