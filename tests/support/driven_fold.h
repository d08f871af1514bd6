#pragma once

// Drives a projection without an engine, a log or a clock: facts go straight to the fold of their
// key's partition, over tables on a state store in memory, and tests read the rows of all of them.
// What rules throw comes to the test, and so does a CHECK that fails in them.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projectors/engine/effects.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/tables/row_key.h"
#include "storage/memory/memory_state.h"

namespace sluice {

// Of any domain, whose facts a FoldDriver posts. Keys have their partitions as on a log.
class DrivenFold {
 public:
  static constexpr int kPartitions = 3;

  DrivenFold(const Projection& projection, int partitions);

  // How the next facts are posted.
  Actor actor;
  Time now{std::chrono::milliseconds{1'700'000'000'000}};
  std::optional<Time> occurred_at;

  // A record that only moves time on to `now`, as one does that is posted, in every partition.
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
    for (const auto& part : parts_) {
      TableRows& rows = rows_of(*part, *Row::descriptor());
      const auto* found = rows.find(encode(rows, key...));
      if (found != nullptr) return static_cast<const Row*>(found);
    }
    return nullptr;
  }

  // The rows whose leading key fields are these, in key order.
  template <class Row, class... Key>
  [[nodiscard]] std::vector<Row> rows(const Key&... leading) {
    std::map<std::string, Row> found;
    for (const auto& part : parts_) {
      TableRows& rows = rows_of(*part, *Row::descriptor());
      RowCursor cursor(rows, encode(rows, leading...));
      while (const auto* row = static_cast<const Row*>(cursor.next())) {
        std::string key;
        row_key::append_key_of(key, *row);
        found.emplace(std::move(key), *row);
      }
    }
    std::vector<Row> all;
    for (auto& each : found) all.push_back(std::move(each.second));
    return all;
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
  void refresh();
  // Changed rows go to the store, and to readers where they show.
  void flush();
  // Flushes and forgets every row, so that the fold goes on with what the store has.
  void restart();
  // Flushes and drops what memory holds beside changes.
  void flush_and_shrink();

  // What the store of the key's partition has, that is, as of the last flush.
  [[nodiscard]] std::unique_ptr<StateSnapshot> snapshot(std::string_view key);
  // Of all partitions: how many rows the next flush writes, and how many edits there were.
  [[nodiscard]] std::size_t dirty_rows() const;
  [[nodiscard]] std::uint64_t edits() const;

 protected:
  std::string_view post_any(const google::protobuf::Message& event);

 private:
  struct Part {
    Part(std::unique_ptr<Fold> (*make)(Tables&), Partition partition, int partitions)
        : fold(make(tables)) {
      tables.belong_to(partition, partitions);
    }
    MemoryState state;
    MemoryStateStore store{state};
    Tables tables{store};
    Timers timers{tables};
    const std::unique_ptr<Fold> fold;
  };

  void move_time();
  void fire(Part& part, Timer timer);
  void publish(TableRows& rows);
  std::vector<std::string> emitted_to(const std::string& domain);
  [[nodiscard]] Part& part_of(std::string_view key);
  static TableRows& rows_of(const Part& part, const google::protobuf::Descriptor& row_type);

  template <class... Key>
  static std::string encode(const TableRows& rows, const Key&... key) {
    std::string out;
    row_key::append_prefix(out, rows.prefix());
    (row_key::append_part(out, key), ...);
    return out;
  }

  std::vector<std::unique_ptr<Part>> parts_;
  Time record_time_{};  // the same of all: as if a quiet one were ticked with every record
  Outbox outbox_{"test", Partition{0}};
  std::vector<Envelope> emitted_;
  Offset position_;
  std::map<const google::protobuf::Descriptor*,
           std::map<std::string, std::unique_ptr<google::protobuf::Message>>>
      view_;
};

}  // namespace sluice
