#include "projectors/engine/emitter.h"

#include <algorithm>
#include <set>

#include "storage/errors.h"
#include "storage/partitioner.h"

namespace sluice {

void Emitter::append(Outbox& outbox) {
  while (outbox.acknowledged() < outbox.records().size()) {
    const auto left = outbox.records().subspan(outbox.acknowledged());
    const auto chunk = left.first(std::min(left.size(), records_an_append_));
    std::set<std::string> streams;
    for (const DerivedRecord& record : chunk) streams.insert(record.stream);
    for (const std::string& stream : streams) append(chunk, stream);
    // A chunk that fails in its second stream begins again in the first, which knows the repeats.
    outbox.acknowledge(outbox.acknowledged() + chunk.size());
  }
}

void Emitter::append(std::span<const DerivedRecord> records, const std::string& stream) {
  const int partitions = partitions_of(stream);
  batch_.clear();
  for (const DerivedRecord& record : records) {
    if (record.stream != stream) continue;
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
                        " to send derived records to: run `sluice topics apply`");
  }
  return partitions_.emplace(stream, *partitions).first->second;
}

}  // namespace sluice
