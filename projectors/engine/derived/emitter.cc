#include "projectors/engine/derived/emitter.h"

#include <algorithm>

#include "storage/base/errors.h"
#include "storage/base/partitioner.h"

namespace sluice {

void Emitter::append(Outbox& outbox) {
  while (outbox.acknowledged() < outbox.records().size()) {
    const auto left = outbox.records().subspan(outbox.acknowledged());
    const std::string& stream = left.front().stream;
    std::size_t run = 0;
    while (run < std::min(left.size(), records_an_append_) && left[run].stream == stream) ++run;
    append(left.first(run), stream);
    outbox.acknowledge(outbox.acknowledged() + run);
  }
}

void Emitter::append(std::span<const DerivedRecord> records, const std::string& stream) {
  const int partitions = partitions_of(stream);
  batch_.clear();
  for (const DerivedRecord& record : records) {
    batch_.push_back({partition_of(record.key, partitions), record.key, record.value});
  }
  writer_.append(stream, batch_);
}

int Emitter::partitions_of(const std::string& stream) {
  const auto known = partitions_.find(stream);
  if (known != partitions_.end()) return known->second;
  const auto partitions = topology_.partitions(stream);
  if (!partitions) {
    throw Misconfigured("no stream " + stream +
                        " to send derived records to: `sluice up` makes it at its start, on Kafka "
                        "`sluice topics apply` does too");
  }
  return partitions_.emplace(stream, *partitions).first->second;
}

}  // namespace sluice
