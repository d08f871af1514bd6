#pragma once

// Drives a projection without an engine, a log or a clock: facts go straight to the fold, over
// tables on a state store in memory, and tests read the rows. After Kafka Streams'
// TopologyTestDriver.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"
#include "storage/memory/memory_state.h"

namespace sluice {

// Of any domain.
class DrivenFold {
 public:
  explicit DrivenFold(std::unique_ptr<Fold> (*make)(Tables&));

  // How the next facts are posted.
  Actor actor;
  Time now{std::chrono::milliseconds{1'700'000'000'000}};
  std::optional<Time> occurred_at;

  // A record that only moves time on to `now`.
  void tick() { move_time(); }

  // Of the record that is posted next.
  [[nodiscard]] Offset position() const { return position_; }

  // The facts that were emitted to the domain whose Event this is since the last call of this for
  // it, in order.
  template <class Other>
  std::vector<Other> emitted() {
    std::vector<Other> facts;
    for (const std::string& payload : emitted_to(Other::descriptor()->file()->package())) {
      facts.emplace_back().ParseFromString(payload);
    }
    return facts;
  }

  // Null when there is no such row. Valid until the next post, flush or restart.
  template <class Row, class... Key>
  [[nodiscard]] const Row* row(const Key&... key) {
    TableRows& rows = rows_of(*Row::descriptor());
    return static_cast<const Row*>(rows.find(encode(rows, key...)));
  }

  // The rows whose leading key fields are these, in key order.
  template <class Row, class... Key>
  [[nodiscard]] std::vector<Row> rows(const Key&... leading) {
    TableRows& rows = rows_of(*Row::descriptor());
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
  void refresh() { fold_->refresh(); }
  // Changed rows go to the store, and to readers where they show.
  void flush();
  // Flushes and forgets every row, so that the fold goes on with what the store has.
  void restart();
  // Flushes and drops what memory holds beside changes.
  void flush_and_shrink();

  // What the store has, that is, as of the last flush.
  [[nodiscard]] std::unique_ptr<StateSnapshot> snapshot() { return store_.snapshot(); }
  [[nodiscard]] Tables& tables() { return tables_; }

 protected:
  std::string_view post_any(const google::protobuf::Message& event);

 private:
  void move_time();
  void fire(Timer timer);
  void publish(TableRows& rows);
  std::vector<std::string> emitted_to(const std::string& domain);
  TableRows& rows_of(const google::protobuf::Descriptor& row_type);

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
  std::unique_ptr<Fold> fold_;
  Offset position_;
  std::map<const google::protobuf::Descriptor*,
           std::map<std::string, std::unique_ptr<google::protobuf::Message>>>
      view_;
};

template <Rules P>
class FoldDriver : public DrivenFold {
 public:
  using Event = typename P::Event;

  FoldDriver() : DrivenFold(describe<P>("").make) {}

  // Folds the fact as it is, so it must meet its rules already, after the timers that are due by
  // `now`. Returns the reason for which it was rejected, or "".
  std::string_view post(const Event& event) { return post_any(event); }

  std::string_view post_as(const Actor& other, const Event& event) {
    const Actor before = std::exchange(actor, other);
    const std::string_view reason = post(event);
    actor = before;
    return reason;
  }
};

}  // namespace sluice
