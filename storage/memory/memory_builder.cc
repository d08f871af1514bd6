#include "storage/memory/memory_builder.h"

#include <utility>

#include "storage/base/errors.h"
#include "storage/memory/row_bytes.h"

namespace sluice {

std::map<Partition, Offset> MemoryBuilder::live_positions() {
  sink_.require_present();
  hurries_ = views_.hurries();
  return views_.live_positions();
}

void MemoryBuilder::note(const BulkNote& note) {
  sink_.require_present();
  views_.require_unlocked();
  if (std::exchange(sink_.failing_flush_, false)) throw Retryable("the note failed");
  const auto found = views_.taken_.find(note.partition);
  if (found == views_.taken_.end() || found->second.view.owner != note.owner ||
      found->second.view.loaded) {
    throw Fenced("the partition has another owner, or is loaded");
  }
  MemoryViews::Taken& taken = found->second;
  taken.heard = views_.clock_();
  taken.log_end = note.log_end;
  taken.refuse(note.rejections, note.quarantined, note.aged_out, note.unquarantined);
  taken.decide(note.decisions);
  if (note.folded <= taken.view.folded) return;
  taken.view.folded = note.folded;
  taken.view.digest = note.digest;
}

FlushOutcome MemoryBuilder::load(const LoadBatch& batch) {
  sink_.require_present();
  views_.require_unlocked();
  if (std::exchange(sink_.failing_flush_, false)) throw Retryable("the load failed");
  MemorySink::Load load{batch.partition,
                        std::string(batch.owner),
                        batch.to,
                        batch.digest,
                        batch.log,
                        batch.record_time,
                        batch.log_end,
                        {},
                        {}};
  for (const TableSource& table : batch.tables) {
    auto& rows = load.rows.emplace_back();
    rows.table = table.row->full_name();
    while (const google::protobuf::Message* row = table.next()) {
      rows.changes.emplace_back(memory::key_of(*row), memory::copy_of(*row));
    }
  }
  while (const std::string* key = batch.due ? batch.due() : nullptr) load.due.insert(*key);
  if (const auto how = std::exchange(sink_.lost_answer_, std::nullopt)) {
    if (*how == LostAnswer::committed) sink_.commit(load);
    if (*how == LostAnswer::delayed) sink_.delayed_load_ = std::move(load);
    return FlushOutcome::in_doubt;
  }
  if (!sink_.commit(load)) {
    throw Fenced("the partition has another owner, is loaded, or is not to be loaded as of here");
  }
  return FlushOutcome::committed;
}

BuildPhase MemoryBuilder::advance() {
  sink_.require_present();
  return views_.advance();
}

void MemoryBuilder::note_ready(std::int64_t records) {
  sink_.require_present();
  const auto live = views_.live_positions();
  for (int p = 0; p < views_.generation_.partitions; ++p) {
    const auto wanted = live.find(Partition{p});
    if (wanted == live.end()) continue;
    const ViewPosition view = views_.position(Partition{p});
    if (!view.loaded || view.position.value + records < wanted->second.value) return;
  }
  if (views_.status() == GenerationStatus::building) {
    views_.role_now_.status = GenerationStatus::ready;
  }
}

}  // namespace sluice
