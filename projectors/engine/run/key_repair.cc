#include "projectors/engine/run/key_repair.h"

#include <google/protobuf/util/message_differencer.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"
#include "sluice/state.pb.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

// Bytes that say the key in the store, and the row.
using Rows = std::map<std::string, std::unique_ptr<Message>>;

class Repair {
 public:
  Repair(const RepairedState& state, const std::string& key, KeyStore& alone)
      : state_(state), key_(key), alone_(alone) {}

  void run() {
    made_.rows.key = key_;
    forget_orders();
    state_.fold.tables().make_for(key_);
    for (const auto& table : state_.fold.tables().all()) {
      const Belonging belonging(table->row_type());
      if (belonging.engines_own() || belonging.per_partition()) continue;
      repair(*table, belonging);
    }
    repair_timers();
  }
  [[nodiscard]] KeyRepair take() { return std::move(made_); }

 private:
  // An order over rows may be of rows that somebody has changed in the store since: none is left,
  // and each is built again from the rows.
  void forget_orders() {
    for (const auto& table : state_.fold.tables().all()) {
      table->tell_observers();
      // The first sweep spares what was used.
      for (int sweep = 0; sweep < 2; ++sweep) table->sweep_observers([] { return false; });
    }
  }

  [[nodiscard]] Rows rows_in(StateStore& store, const TableRows& table,
                             const Belonging& belonging) const {
    // Nearly every table's rows of a key stand together; of others all are looked at.
    std::string prefix;
    row_key::append_prefix(prefix, table.prefix());
    if (belonging.by_leading_field()) row_key::append_part(prefix, key_);
    Rows rows;
    for (auto at = store.scan(prefix, row_key::after_prefix(prefix)); at->valid(); at->next()) {
      std::unique_ptr<Message> row(table.prototype().New());
      if (!row->ParseFromArray(at->value().data(), static_cast<int>(at->value().size()))) {
        // As wrong as a row can be: a row that says nothing is not equal to any.
        row->Clear();
      }
      row_key::set_key(*row, at->key());
      if (belonging.key_of(*row) == key_) rows.emplace(at->key(), std::move(row));
    }
    return rows;
  }

  void repair(TableRows& table, const Belonging& belonging) {
    Rows right = rows_in(alone_, table, belonging);
    const Rows stored = rows_in(state_.store, table, belonging);
    std::set<std::string> keys;
    for (const auto& row : right) keys.insert(row.first);
    for (const auto& row : stored) keys.insert(row.first);
    for (const Message* row : made_by_fold(table, belonging)) keys.insert(key_bytes(table, *row));
    for (const std::string& key : keys) {
      const auto wanted = right.find(key);
      correct(table, key, wanted == right.end() ? nullptr : wanted->second.get(), stored);
    }
    if (!table.published() || is_computed(table.row_type())) return;
    ComputedRows::Table& told = made_.rows.tables.emplace_back();
    told.row = &table.row_type();
    for (auto& row : right) told.rows.push_back(std::move(row.second));
  }

  // Rows that no write has told the store of.
  [[nodiscard]] std::vector<const Message*> made_by_fold(TableRows& table,
                                                         const Belonging& belonging) const {
    std::vector<const Message*> rows;
    for (const RowSlot* slot : table.dirty_in_key_order()) {
      if (slot->row != nullptr && belonging.key_of(*slot->row) == key_) rows.push_back(slot->row);
    }
    return rows;
  }
  [[nodiscard]] static std::string key_bytes(TableRows& table, const Message& row) {
    return std::string(table.pool().slot_of(row).key.view());
  }

  // Both in memory, where the row may be as it was before somebody changed the store, and there.
  void correct(TableRows& table, const std::string& key, const Message* right, const Rows& stored) {
    const auto in_store = stored.find(key);
    const Message* const kept = in_store == stored.end() ? nullptr : in_store->second.get();
    const Message* const held = table.find(key);
    const bool waits = table.is_dirty(key);
    if (same(held, right) && (waits || same(kept, right))) return;
    ++made_.corrected;
    if (right == nullptr) {
      // It may be in the store alone, or in memory alone.
      static_cast<void>(table.edit(key));
      table.erase(key);
      return;
    }
    Message& row = table.edit(key);
    row.CopyFrom(*right);
    row_key::set_key(row, key);
  }

  static bool same(const Message* a, const Message* b) {
    if (a == nullptr || b == nullptr) return a == b;
    return MessageDifferencer::Equals(*a, *b);
  }

  using TimerId = std::pair<std::string, int>;
  [[nodiscard]] std::map<TimerId, TimerRow> timers_in(PartitionFold& fold) const {
    std::map<TimerId, TimerRow> timers;
    fold.state().timers().for_each([&](const TimerRow& row) {
      if (row.record_key() != key_ || row.waits()) return;
      timers.emplace(TimerId{row.timer_key(), row.kind()}, row);
    });
    return timers;
  }

  void repair_timers() {
    PartitionFold alone(state_.projection, state_.generation, state_.fold.tables().partition(),
                        alone_, {});
    alone.load();
    const auto right = timers_in(alone);
    const auto found = timers_in(state_.fold);
    for (const auto& [id, row] : found) {
      const auto wanted = right.find(id);
      if (wanted != right.end() && same(&row, &wanted->second)) continue;
      ++made_.corrected;
      if (wanted == right.end()) state_.fold.state().timers().cancel(id.first, id.second, key_);
    }
    for (const auto& [id, row] : right) {
      const auto at = found.find(id);
      if (at != found.end() && same(&at->second, &row)) continue;
      if (at == found.end()) ++made_.corrected;
      state_.fold.state().timers().set({row.timer_key(),
                                        row.kind(),
                                        Time{std::chrono::milliseconds(row.due())},
                                        {},
                                        key_,
                                        Offset{row.set_at()}});
    }
  }

  const RepairedState& state_;
  const std::string& key_;
  KeyStore& alone_;
  KeyRepair made_;
};

}  // namespace

bool fold_alone(const RepairedState& state, const std::string& key, const Postings& postings,
                const ReadRecord& read, KeyStore& alone) {
  KeyRefold refold(state.projection, state.generation, state.fold.tables().partition(), key, alone);
  refold.fold(postings, read);
  return !refold.counts_otherwise() &&
         refold.whole().state().waiting(key) == state.fold.state().waiting(key);
}

KeyRepair correct_key(const RepairedState& state, const std::string& key, KeyStore& alone) {
  Repair repair(state, key, alone);
  repair.run();
  return repair.take();
}

}  // namespace sluice
