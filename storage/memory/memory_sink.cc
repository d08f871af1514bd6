#include "storage/memory/memory_sink.h"

#include <algorithm>
#include <utility>

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::Message;

// The key fields alone, serialized: the same bytes for the same key, since fields are in order.
std::string key_of(const Message& row) {
  std::unique_ptr<Message> only_key(row.New());
  const auto& reflection = *row.GetReflection();
  for (const auto* field : key_fields(*row.GetDescriptor())) {
    switch (field->cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(only_key.get(), field, reflection.GetString(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(only_key.get(), field, reflection.GetInt64(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(only_key.get(), field, reflection.GetInt32(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(only_key.get(), field, reflection.GetUInt64(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(only_key.get(), field, reflection.GetUInt32(row, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(only_key.get(), field, reflection.GetBool(row, field));
        break;
      default:
        throw Misconfigured("a key of " + row.GetTypeName() + " is of no key type");
    }
  }
  return only_key->SerializeAsString();
}

std::shared_ptr<const Message> copy_of(const Message& row) {
  std::shared_ptr<Message> copy(row.New());
  copy->CopyFrom(row);
  return copy;
}

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
  const bool anew = views_.taken_.contains(partition);
  MemoryViews::Taken& taken = views_.taken_[partition];
  if (anew && !taken.oldest) taken.oldest = taken.heard;
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
      taken.view.published != batch.published_at_from) {
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
  note(transaction, taken);
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

void MemorySink::note(const Transaction& transaction, MemoryViews::Taken& taken) {
  for (const Rejection& rejection : transaction.rejections) {
    taken.rejections.emplace(rejection.position, rejection);
  }
  for (const QuarantinedRecord& record : transaction.quarantined) {
    taken.quarantined.insert_or_assign(record.position, record);
  }
  for (const Offset position : transaction.aged_out) {
    const auto record = taken.quarantined.find(position);
    if (record != taken.quarantined.end()) record->second.value.reset();
  }
  for (const Offset position : transaction.unquarantined) taken.quarantined.erase(position);
}

void MemorySink::publish(const Transaction::Computed& computed) {
  MemoryViews::Rows& table = views_.rows_[computed.table];
  std::erase_if(table, [&](const auto& row) { return first_key(*row.second) == computed.key; });
  table.insert(computed.rows.begin(), computed.rows.end());
}

FlushOutcome MemorySink::flush(const FlushBatch& batch) {
  require_present();
  if (!unprepared_.empty()) throw Misconfigured(unprepared_);
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
}

std::vector<std::optional<ViewPosition>> MemorySink::show_progress(
    std::span<const LogProgress> progress) {
  require_present();
  auto now = views_.hear(progress);
  if (!unprepared_.empty()) throw Misconfigured(unprepared_);
  return now;
}

}  // namespace sluice
