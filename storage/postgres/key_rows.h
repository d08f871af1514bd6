#pragma once

// Rows of one key, folded elsewhere, as Postgres has them: in JSON, against a generation's tables.
// Postgres itself compares and prints, so that a time, a double
// or jsonb is what it is there.

#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/key_trace.h"
#include "storage/projection_sink.h"

namespace sluice {

// One column of one row that is not as it should be. Values are JSON.
struct KeyDifference {
  std::string table;
  std::string key;                    // {"conversation_id":"c1"}
  std::optional<std::string> column;  // nullopt: a whole row, `null` on the side that lacks it
  std::string expected;
  std::string found;
};

// One session, one thread; throws the types of storage/base/errors.h. Rows are kept there in
// temporary tables until the session ends.
class KeyRows {
 public:
  KeyRows(std::string url, std::string projection, int generation);

  // From here on every question is answered from one snapshot, and rows may be expected. It ends by
  // the server's hand when nothing is asked for a while: what hangs keeps no dead rows alive.
  void begin_snapshot();
  void end_snapshot();
  // Where the view stands; nullopt: the partition was never taken.
  [[nodiscard]] std::optional<ViewPosition> position(Partition partition);

  // Its record time there; the epoch where nothing was folded.
  [[nodiscard]] Time record_time(Partition partition);

  // The table's rows of the key, as they should be.
  void expect(const google::protobuf::Descriptor& row,
              const std::vector<const google::protobuf::Message*>& rows);
  // The same as JSON objects, in key order.
  [[nodiscard]] std::vector<std::string> expected(const google::protobuf::Descriptor& row);
  // The generation's table against them: rows with these keys, and those that have `value` in a
  // column of these names.
  [[nodiscard]] std::vector<KeyDifference> differences(const google::protobuf::Descriptor& row,
                                                       const std::set<std::string>& columns,
                                                       const std::string& value);

  // What steps change of these rows. What is sent within a snapshot goes with end_snapshot().
  [[nodiscard]] KeyTrace& trace() { return trace_; }

 private:
  const std::string projection_;
  const int generation_;
  PgConnection connection_;
  KeyTrace trace_;
};

}  // namespace sluice
