#include "storage/memory/memory_sink.h"
#include <algorithm>
#include <utility>

#include "schemas/descriptors/belonging.h"
#include "storage/base/errors.h"
#include "storage/memory/row_bytes.h"

namespace sluice {
namespace {

using google::protobuf::Message;
using memory::copy_of;
using memory::first_key;
using memory::key_of;

}  // namespace

void MemorySink::require_present() const {
  if (away_) throw Retryable("the database is away");
}

Generation MemorySink::generation() { return views_.generation_; }

ViewPosition MemorySink::claim(Partition partition, std::string_view owner) {
  require_present();
  views_.require_unlocked();
  if (views_.status() == GenerationStatus::retired) throw Retryable("the generation is retired");
  const bool again = views_.taken_.contains(partition);
  if (!again && views_.role_.held()) throw Retryable("the generation is locked");
  MemoryViews::Taken& taken = views_.taken_[partition];
  if (!again) taken.view.loaded = !views_.built_in_bulk_;
  if (again && !taken.oldest) taken.oldest = taken.heard;
  taken.view.owner = owner;
  taken.heard = views_.clock_();
  taken.left = false;
  taken.trouble.clear();
  views_.flushes_.push_back({partition, true, std::string(owner)});
  return views_.heard_of(taken);
}

std::optional<ViewPosition> MemorySink::position(Partition partition) {
  require_present();
  const auto taken = views_.taken_.find(partition);
  if (taken == views_.taken_.end()) return std::nullopt;
  return views_.heard_of(taken->second);
}

MemorySink::Transaction MemorySink::begin(const FlushBatch& batch) {
  Transaction transaction{batch, std::string(batch.owner), {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  for (const RowChanges& changes : batch.rows) {
    if (changes.upserts.empty() && changes.erased.empty()) continue;
    Transaction::Rows rows{changes.row->full_name(), {}};
    for (const Message* row : changes.upserts)
      rows.changes.emplace_back(key_of(*row), copy_of(*row));
    for (const Message* row : changes.erased) rows.changes.emplace_back(key_of(*row), nullptr);
    transaction.rows.push_back(std::move(rows));
  }
  transaction.rejections.assign(batch.rejections.begin(), batch.rejections.end());
  transaction.quarantined.assign(batch.quarantined.begin(), batch.quarantined.end());
  transaction.unquarantined.assign(batch.unquarantined.begin(), batch.unquarantined.end());
  transaction.aged_out.assign(batch.aged_out.begin(), batch.aged_out.end());
  transaction.decisions.assign(batch.decisions.begin(), batch.decisions.end());
  transaction.became_due.assign(batch.became_due.begin(), batch.became_due.end());
  transaction.caught_up.assign(batch.caught_up.begin(), batch.caught_up.end());
  const auto copy = [](const ComputedRows& of_key, std::vector<Transaction::Computed>& to) {
    for (const ComputedRows::Table& table : of_key.tables) {
      auto& made = to.emplace_back();
      made.table = table.row->full_name();
      made.key = of_key.key;
      for (const auto& row : table.rows) made.rows.emplace_back(key_of(*row), copy_of(*row));
    }
  };
  for (const ComputedRows* computed : batch.computed) copy(*computed, transaction.computed);
  for (const ComputedRows* repaired : batch.repaired) copy(*repaired, transaction.repaired);
  return transaction;
}

bool MemorySink::commit(const Transaction& transaction) {
  const FlushBatch& batch = transaction.batch;
  const auto found = views_.taken_.find(batch.partition);
  if (found == views_.taken_.end()) return false;
  MemoryViews::Taken& taken = found->second;
  if (taken.view.owner != transaction.owner || taken.view.position != batch.from ||
      taken.view.digest != batch.digest_at_from ||
      taken.view.published != batch.published_at_from || batch.live != views_.generation_.live ||
      views_.shows_too_much(batch.partition, batch.to)) {
    return false;
  }
  views_.flushes_.push_back({batch.partition, false, transaction.owner});
  taken.heard = views_.clock_();
  // All that was there is shown: whatever is not came later.
  if (batch.to >= batch.log_end) taken.oldest.reset();
  taken.view.position = batch.to;
  taken.view.digest = batch.digest_at_to;
  if (!taken.view.log) taken.view.log = batch.log;
  if (!transaction.computed.empty()) ++taken.view.published;
  taken.log_end = batch.log_end;
  taken.record_time = batch.record_time;
  for (const Transaction::Rows& rows : transaction.rows) change(rows);
  taken.refuse(transaction.rejections, transaction.quarantined, transaction.aged_out,
               transaction.unquarantined);
  taken.decide(transaction.decisions);
  for (const Transaction::Computed& computed : transaction.computed) publish(computed);
  for (const Transaction::Computed& repaired : transaction.repaired) repair(repaired);
  taken.due.insert(transaction.became_due.begin(), transaction.became_due.end());
  for (const std::string& key : transaction.caught_up) taken.due.erase(key);
  return true;
}

void MemorySink::change(const Transaction::Rows& rows) {
  MemoryViews::Rows& table = views_.rows_[rows.table];
  for (const auto& [key, row] : rows.changes) {
    if (row) {
      table[key] = row;
    } else {
      table.erase(key);
    }
  }
}

bool MemorySink::commit(const Load& load) {
  const auto found = views_.taken_.find(load.partition);
  if (found == views_.taken_.end()) return false;
  MemoryViews::Taken& taken = found->second;
  if (taken.view.owner != load.owner || taken.view.loaded || load.to < taken.view.folded ||
      views_.shows_too_much(load.partition, load.to)) {
    return false;
  }
  views_.flushes_.push_back({load.partition, false, load.owner});
  taken.heard = views_.clock_();
  taken.view.position = load.to;
  taken.view.digest = load.digest;
  taken.view.loaded = true;
  if (!taken.view.log) taken.view.log = load.log;
  taken.log_end = load.log_end;
  taken.record_time = load.record_time;
  for (const Transaction::Rows& rows : load.rows) change(rows);
  taken.due = load.due;
  return true;
}

void MemorySink::repair(const Transaction::Computed& repaired) {
  MemoryViews::Rows& table = views_.rows_[repaired.table];
  std::erase_if(table, [&](const auto& row) {
    return Belonging(*row.second->GetDescriptor()).key_of(*row.second) == repaired.key;
  });
  for (const auto& [key, row] : repaired.rows) table[key] = row;
}

void MemorySink::publish(const Transaction::Computed& computed) {
  MemoryViews::Rows& table = views_.rows_[computed.table];
  std::erase_if(table, [&](const auto& row) { return first_key(*row.second) == computed.key; });
  table.insert(computed.rows.begin(), computed.rows.end());
}

FlushOutcome MemorySink::flush(const FlushBatch& batch) {
  require_present();
  if (!unprepared_.empty()) throw Misconfigured(unprepared_);
  if (views_.advance() != BuildPhase::following) throw Misconfigured("tables without keys");
  if (std::exchange(failing_flush_, false)) throw Retryable("the flush failed");
  // Behind a lock it waits until its session gives up, or has gone and the lock goes.
  if (views_.positions_.held() && lost_answer_) lost_answer_ = LostAnswer::delayed;
  if (!lost_answer_) views_.require_unlocked();
  Transaction transaction = begin(batch);
  if (const auto how = std::exchange(lost_answer_, std::nullopt)) {
    if (*how == LostAnswer::committed) commit(transaction);
    if (*how == LostAnswer::delayed) delayed_ = std::move(transaction);
    return FlushOutcome::in_doubt;
  }
  if (!commit(transaction)) throw Fenced("the partition has another owner or position");
  return FlushOutcome::committed;
}

void MemorySink::finish_delayed() {
  if (views_.positions_.held()) return;
  if (const auto transaction = std::exchange(delayed_, std::nullopt)) commit(*transaction);
  if (const auto load = std::exchange(delayed_load_, std::nullopt)) commit(*load);
}

std::vector<std::optional<ViewPosition>> MemorySink::show_progress(
    std::span<const LogProgress> progress) {
  require_present();
  auto now = views_.hear(progress);
  if (!unprepared_.empty()) throw Misconfigured(unprepared_);
  return now;
}

}  // namespace sluice
