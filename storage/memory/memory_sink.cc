#include "storage/memory/memory_sink.h"

#include <algorithm>
#include <utility>

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"
#include "storage/memory/row_bytes.h"

namespace sluice {
namespace {

using google::protobuf::Message;
using memory::copy_of;
using memory::key_of;

const std::string& first_key(const Message& row) {
  static const std::string none;
  std::string scratch;
  const auto* field = key_fields(*row.GetDescriptor()).front();
  return field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING
             ? row.GetReflection()->GetStringReference(row, field, &scratch)
             : none;
}

template <class Kept>
std::vector<Kept> values(const std::map<Offset, Kept>& by_position) {
  std::vector<Kept> all;
  all.reserve(by_position.size());
  for (const auto& [position, kept] : by_position) all.push_back(kept);
  return all;
}

}  // namespace

// MemoryViews

ViewPosition MemoryViews::heard_of(const Taken& taken) const {
  ViewPosition view = taken.view;
  view.silent = std::chrono::duration_cast<std::chrono::milliseconds>(clock_() - taken.heard);
  if (taken.left) view.silent = std::max(view.silent, kOwnerGone);
  return view;
}

ViewPosition MemoryViews::position(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? ViewPosition{} : heard_of(taken->second);
}

std::map<Partition, Offset> MemoryViews::live_positions() const {
  std::map<Partition, Offset> all;
  const MemoryViews* live = generation_.live ? this : live_;
  if (live == nullptr) return all;
  for (const auto& [partition, taken] : live->taken_) all.emplace(partition, taken.view.position);
  return all;
}

BuildPhase MemoryViews::advance() const {
  if (!built_in_bulk_) return BuildPhase::following;
  int loaded = 0;
  for (const auto& [partition, taken] : taken_) loaded += taken.view.loaded ? 1 : 0;
  if (loaded == generation_.partitions) return BuildPhase::following;
  return loaded == 0 ? BuildPhase::folding : BuildPhase::loading;
}

void MemoryViews::build_beside(const MemoryViews& live) {
  live_ = &live;
  built_in_bulk_ = true;
}

bool MemoryViews::swap(MemoryViews& live, MemoryViews& other) {
  if (other.advance() != BuildPhase::following) return false;
  for (const auto& [partition, taken] : live.taken_) {
    const ViewPosition there = other.position(partition);
    if (!there.loaded || there.position != taken.view.position ||
        there.digest != taken.view.digest) {
      return false;
    }
  }
  for (auto& [partition, taken] : other.taken_) taken.view.emits_from = taken.view.position;
  live.generation_.live = false;
  live.live_ = &other;
  other.generation_.live = true;
  other.live_ = nullptr;
  return true;
}

std::string MemoryViews::contender(Partition partition) const {
  const auto found = contenders_.find(partition);
  return found == contenders_.end() ? std::string() : found->second;
}

std::optional<ComputedProgress> MemoryViews::computed(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::nullopt : taken->second.computed;
}

Offset MemoryViews::log_end(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? Offset{} : taken->second.log_end;
}

std::string MemoryViews::trouble(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::string() : taken->second.trouble;
}

std::optional<std::chrono::milliseconds> MemoryViews::freshness(Partition partition) const {
  const auto found = taken_.find(partition);
  if (found == taken_.end()) return std::nullopt;
  const Taken& taken = found->second;
  const bool owned = heard_of(taken).silent < kOwnerGone;
  if (owned && taken.view.position >= taken.log_end) return std::chrono::milliseconds{0};
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_() -
                                                               taken.oldest.value_or(taken.heard));
}

std::vector<Rejection> MemoryViews::rejections(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::vector<Rejection>{} : values(taken->second.rejections);
}

std::vector<QuarantinedRecord> MemoryViews::quarantined(Partition partition) const {
  const auto taken = taken_.find(partition);
  return taken == taken_.end() ? std::vector<QuarantinedRecord>{}
                               : values(taken->second.quarantined);
}

void MemoryViews::note_unseen(const LogProgress& said, Taken& taken) const {
  const bool none = said.unseen == std::chrono::milliseconds{0};
  if (none || said.log_end <= taken.view.position) return taken.oldest.reset();
  if (said.unseen) {
    taken.oldest = clock_() - *said.unseen;
  } else if (!taken.oldest) {
    taken.oldest = taken.heard;
  }
}

std::vector<std::optional<ViewPosition>> MemoryViews::hear(std::span<const LogProgress> progress) {
  std::vector<std::optional<ViewPosition>> now(progress.size());
  for (std::size_t i = 0; i < progress.size(); ++i) {
    const LogProgress& p = progress[i];
    const auto taken = taken_.find(p.partition);
    if (taken == taken_.end() || taken->second.view.owner != p.owner) {
      if (!p.trouble.empty()) contenders_[p.partition] = p.trouble;
      continue;
    }
    note_unseen(p, taken->second);
    taken->second.heard = clock_();
    taken->second.left = taken->second.left || p.leaves;
    taken->second.log_end = p.log_end;
    taken->second.trouble = p.trouble;
    if (p.computed) taken->second.computed = p.computed;
    now[i] = heard_of(taken->second);
  }
  return now;
}

// MemorySink

void MemorySink::require_present() const {
  if (away_) throw Retryable("the database is away");
}

Generation MemorySink::generation() { return views_.generation_; }

ViewPosition MemorySink::claim(Partition partition, std::string_view owner) {
  require_present();
  const bool again = views_.taken_.contains(partition);
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

// As another generation than the live one: what readers see must not be behind it.
bool MemoryViews::shows_too_much(Partition partition, Offset to) const {
  if (generation_.live) return false;
  const auto live = live_positions();
  const auto found = live.find(partition);
  return found == live.end() || to > found->second;
}

MemorySink::Transaction MemorySink::begin(const FlushBatch& batch) {
  Transaction transaction{batch, std::string(batch.owner), {}, {}, {}, {}, {}, {}};
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
  for (const ComputedRows* computed : batch.computed) {
    for (const ComputedRows::Table& table : computed->tables) {
      auto& made = transaction.computed.emplace_back();
      made.table = table.row->full_name();
      made.key = computed->key;
      for (const auto& row : table.rows) made.rows.emplace_back(key_of(*row), copy_of(*row));
    }
  }
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
  for (const Transaction::Computed& computed : transaction.computed) publish(computed);
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

void MemoryViews::Taken::refuse(std::span<const Rejection> rejected,
                                std::span<const QuarantinedRecord> quarantine,
                                std::span<const Offset> aged_out,
                                std::span<const Offset> unquarantined) {
  for (const Rejection& rejection : rejected) rejections.emplace(rejection.position, rejection);
  for (const QuarantinedRecord& record : quarantine) {
    quarantined.insert_or_assign(record.position, record);
  }
  for (const Offset position : aged_out) {
    const auto record = quarantined.find(position);
    if (record != quarantined.end()) record->second.value.reset();
  }
  for (const Offset position : unquarantined) quarantined.erase(position);
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
  return true;
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
