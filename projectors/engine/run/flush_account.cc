#include "projectors/engine/run/flush_account.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "schemas/descriptors/words.h"

namespace sluice {

namespace {

std::optional<Offset> last_of(const std::vector<QuarantinedRecord>& quarantined) {
  return quarantined.empty() ? std::nullopt : std::optional(quarantined.back().position);
}

}  // namespace

FlushAccount::FlushAccount(Of of, Probe& probe) : of_(std::move(of)), probe_(probe) {}

void FlushAccount::meets(const LogRecord& record) {
  if (!record.key.empty()) keys_.observe(record.key);
}

void FlushAccount::folded(const LogRecord& record, bool first) {
  if (record.stamped_by_log) newest_folded_ = record.appended_at;
  if (first) oldest_unseen_ = newest_folded_;
}

// Nothing is dropped, nor stands still: what waits there can be released as ever.
std::uint64_t FlushAccount::tell_beyond_limit(const PartitionFold& fold) {
  const auto& quarantined = fold.outcomes().quarantined;
  const auto beyond = std::ranges::count_if(quarantined, &QuarantinedRecord::beyond_limit);
  if (beyond > 0 && of_.live && !std::exchange(told_beyond_limit_, true)) {
    spdlog::error(
        "more waits under one key than --parked-limit shows with bytes partition=\"{}\" limit={} "
        "position={}: sluice quarantine list says what the key waits behind; edit or discard that",
        of_.name, of_.parked_limit, fold.position().value);
  }
  return static_cast<std::uint64_t>(beyond);
}

void FlushAccount::tell(const PartitionFold& fold, std::span<const RowChanges> rows,
                        std::span<const ComputedRows* const> computed, bool visible) {
  const RecordedTimes none;
  const Outcomes& outcomes = fold.outcomes();
  PartitionCounts::ByName by_table;
  for (const RowChanges& changes : rows) {
    const std::uint64_t changed = changes.upserts.size() + changes.erased.size();
    if (changed > 0) by_table.emplace(table_name(*changes.row), changed);
  }
  for (const ComputedRows* key : computed) {
    for (const ComputedRows::Table& table : key->tables) {
      if (!table.rows.empty()) by_table[table_name(*table.row)] += table.rows.size();
    }
  }
  probe_.flushed(of_.label, {.records = fold.unwritten(),
                             .folded = outcomes.folded,
                             .duplicates = outcomes.duplicates,
                             .quarantined = outcomes.quarantined.size(),
                             .last_quarantined = last_of(outcomes.quarantined),
                             .beyond_limit = tell_beyond_limit(fold),
                             .changed_rows = fold.tables().dirty_rows(),
                             .rejections = outcomes.rejections,
                             .rows = by_table,
                             .recorded = visible ? outcomes.recorded : none,
                             .committed_at = of_.wall(),
                             .keys = keys_});
}

}  // namespace sluice
