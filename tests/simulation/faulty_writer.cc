#include "tests/simulation/faulty_writer.h"

#include <utility>

#include "sluice/envelope.pb.h"
#include "tests/simulation/broken.h"

namespace sluice::simulation {

void carry_out(const LateAppend& late, EventWriter& writer) {
  std::vector<NewRecord> records;
  for (const auto& record : late.records) {
    records.push_back({record.partition, record.key, record.value});
  }
  writer.append(late.stream, records);
}

void FaultyWriter::write(std::string_view stream, std::span<NewRecord> records, Gaps) {
  require_new(records);
  failpoint_.reach(Step::before_append);
  if (const auto fault = std::exchange(fault_, std::nullopt)) fail(stream, records, *fault);
  if (failpoint_.at() == Step::amid_append) {
    writer_->append(stream, records.first(records.size() / 2));
    failpoint_.reach(Step::amid_append);
  }
  writer_->append(stream, records);
  failpoint_.reach(Step::after_append);
}

void FaultyWriter::require_new(std::span<const NewRecord> records) const {
  for (const NewRecord& record : records) {
    Envelope envelope;
    envelope.ParseFromString(std::string(record.value));
    if (envelope.control().has_tick()) {
      if (!taken_.contains(record.partition)) throw Broken("a tick by who never had the partition");
      ticks_(record.partition, Time{std::chrono::milliseconds(envelope.recorded_at())});
      continue;
    }
    const auto taken = taken_.find(Partition{envelope.origin().partition()});
    if (taken == taken_.end() || envelope.origin().position() < taken->second.value) {
      throw Broken("what the view had was emitted again: " + envelope.id());
    }
  }
}

void FaultyWriter::fail(std::string_view stream, std::span<const NewRecord> records,
                        const Fault& fault) {
  LateAppend kept{std::string(stream), {}};
  auto left = fault.kept;
  for (const NewRecord& record : records) {
    auto& room = left[static_cast<std::size_t>(record.partition.value)];
    if (room == 0) continue;
    --room;
    kept.records.push_back({record.partition, std::string(record.key), std::string(record.value)});
  }
  if (fault.late) {
    late_.push_back(std::move(kept));
  } else {
    carry_out(kept, *writer_);
  }
  throw Retryable("an append failed");
}

}  // namespace sluice::simulation
