#pragma once

// Drives a projection without an engine, a log or a clock: facts go straight to the fold, over
// tables on a state store in memory, and tests read the rows. After Kafka Streams'
// TopologyTestDriver.

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"
#include "schemas/sluice/rules.h"
#include "storage/memory/memory_state.h"

namespace sluice {

template <Rules P>
class FoldDriver {
 public:
  using Event = typename P::Event;

  // How the next facts are posted.
  Actor actor;
  Time now{std::chrono::milliseconds{1'700'000'000'000}};
  std::optional<Time> occurred_at;

  FoldDriver() : store_(state_), tables_(store_), timers_(tables_), rules_(tables_) {}

  // Folds the fact as it is, so it must meet its rules already, after the timers that are due by
  // `now`. Returns the reason for which it was rejected, or "".
  std::string_view post(const Event& event) {
    const std::string id = std::to_string(position_.value);
    const Record record{id,
                        "/test",
                        actor,
                        now,
                        occurred_at,
                        position_,
                        position_.next(),
                        std::max(record_time_, now)};
    move_time();
    const auto* fact =
        event.GetReflection()->GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
    if (FactRules::of(*fact->message_type()).service_only() &&
        actor.role() != Actor::ROLE_SERVICE) {
      return "actor.not_allowed";
    }
    Effects effects(tables_, timers_, outbox_);
    rules_.fold(event, record, effects);
    return effects.rejection();
  }

  // A record that only moves time on to `now`.
  void tick() { move_time(); }

  // Of the record that is posted next.
  [[nodiscard]] Offset position() const { return position_; }

  // The facts that were emitted to the domain whose Event this is since the last call of this for
  // it, in order.
  template <class Other>
  std::vector<Other> emitted() {
    for (const DerivedRecord& record : outbox_.records()) {
      emitted_.emplace_back().ParseFromString(record.value);
    }
    outbox_.clear();
    std::vector<Other> facts;
    std::erase_if(emitted_, [&](const Envelope& envelope) {
      if (envelope.domain() != Other::descriptor()->file()->package()) return false;
      facts.emplace_back().ParseFromString(envelope.payload());
      return true;
    });
    return facts;
  }

  std::string_view post_as(const Actor& other, const Event& event) {
    const Actor before = std::exchange(actor, other);
    const std::string_view reason = post(event);
    actor = before;
    return reason;
  }

  // Null when there is no such row. Valid until the next post, flush or restart.
  template <class Row, class... Key>
  [[nodiscard]] const Row* row(const Key&... key) {
    TableRows& rows = rows_of<Row>();
    return static_cast<const Row*>(rows.find(encode(rows, key...)));
  }

  // The rows whose leading key fields are these, in key order.
  template <class Row, class... Key>
  [[nodiscard]] std::vector<Row> rows(const Key&... leading) {
    TableRows& rows = rows_of<Row>();
    RowCursor cursor(rows, encode(rows, leading...));
    std::vector<Row> found;
    while (const auto* row = static_cast<const Row*>(cursor.next())) found.push_back(*row);
    return found;
  }

  // The rows that readers have, in key order.
  template <class Row>
  [[nodiscard]] std::vector<Row> published() const {
    std::vector<Row> found;
    const auto rows = view_.find(Row::descriptor());
    if (rows == view_.end()) return found;
    for (const auto& [key, row] : rows->second) found.push_back(static_cast<const Row&>(*row));
    return found;
  }

  // Rows that follow from others are brought up to date, as they are before every flush.
  void refresh() {
    if constexpr (Refreshes<P>) rules_.refresh();
  }

  // Changed rows go to the store, and to readers where they show.
  void flush() {
    refresh();
    StateBatch batch;
    for (const auto& rows : tables_.all()) {
      if (rows->published()) publish(*rows);
    }
    tables_.write_dirty(batch);
    store_.write(batch);
    tables_.mark_clean();
  }

  // What the store has, that is, as of the last flush.
  [[nodiscard]] std::unique_ptr<StateSnapshot> snapshot() { return store_.snapshot(); }

  // Flushes and forgets every row, so that the fold goes on with what the store has.
  void restart() {
    flush();
    tables_.drop();
    timers_.load();
  }

  // Flushes and drops what memory holds beside changes.
  void flush_and_shrink() {
    flush();
    tables_.shrink_to(0);
  }

  [[nodiscard]] Tables& tables() { return tables_; }

 private:
  void move_time() {
    outbox_.begin(position_, true);
    position_ = position_.next();
    record_time_ = std::max(record_time_, now);
    outbox_.set_record_time(record_time_);
    while (auto timer = timers_.take_due(record_time_)) {
      timer->folded_to = position_.next();
      Effects effects(tables_, timers_, outbox_, timer->due);
      fire_timer(rules_, *timer, effects);
    }
  }

  void publish(TableRows& rows) {
    auto& view = view_[&rows.row_type()];
    for (const RowSlot* slot : rows.dirty_in_key_order()) {
      if (!slot->shown) continue;
      const std::string key{slot->key.view()};
      view.erase(key);
      if (slot->row == nullptr) continue;
      std::unique_ptr<google::protobuf::Message> row(slot->row->New());
      row->CopyFrom(*slot->row);
      view.emplace(key, std::move(row));
    }
  }

  template <class Row>
  TableRows& rows_of() {
    const auto& all = tables_.all();
    const auto found = std::find_if(all.begin(), all.end(), [](const auto& rows) {
      return &rows->row_type() == Row::descriptor();
    });
    if (found == all.end()) throw std::logic_error("no table of " + Row::descriptor()->full_name());
    return **found;
  }

  template <class... Key>
  static std::string encode(const TableRows& rows, const Key&... key) {
    std::string out;
    row_key::append_prefix(out, rows.prefix());
    (row_key::append_part(out, key), ...);
    return out;
  }

  MemoryState state_;
  MemoryStateStore store_;
  Tables tables_;
  Timers timers_;
  Time record_time_{};
  Outbox outbox_{"test", Partition{0}};
  std::vector<Envelope> emitted_;
  P rules_;
  Offset position_;
  std::map<const google::protobuf::Descriptor*,
           std::map<std::string, std::unique_ptr<google::protobuf::Message>>>
      view_;
};

}  // namespace sluice
