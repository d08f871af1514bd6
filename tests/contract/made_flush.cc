#include "tests/contract/made_flush.h"

#include <chrono>

#include "tests/contract/building.h"

namespace sluice::testing {

Flush::Flush(Partition partition, std::string_view owner, std::int64_t from, std::int64_t to) {
  batch.partition = partition;
  batch.owner = owner;
  batch.from = Offset{from};
  batch.to = Offset{to};
  batch.digest_at_from = digest_before(from);
  batch.digest_at_to = digest_before(to);
  batch.log_end = Offset{to + 1};
  batch.record_time = Time(std::chrono::milliseconds(1000));
}

Flush& Flush::change(const std::vector<std::string>& put, const std::vector<std::string>& erased) {
  kept.reserve(put.size() + erased.size());
  RowChanges changes{shapes::OnlyKey::descriptor(), {}, {}};
  for (const auto* ids : {&put, &erased}) {
    for (const std::string& id : *ids) {
      kept.emplace_back().set_id(id);
      (ids == &put ? changes.upserts : changes.erased).push_back(&kept.back());
    }
  }
  rows.push_back(changes);
  return *this;
}

FlushOutcome Flush::to(ProjectionSink& sink) {
  batch.rows = rows;
  batch.rejections = rejections;
  batch.quarantined = quarantined;
  batch.unquarantined = unquarantined;
  batch.aged_out = aged_out;
  batch.decisions = decisions;
  return sink.flush(batch);
}

}  // namespace sluice::testing
