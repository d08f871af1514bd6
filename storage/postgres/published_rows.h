#pragma once

// A generation's published rows held against rows folded elsewhere, by Postgres itself: what is
// jsonb, a double or a time there is compared as such.

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/projection_sink.h"

namespace sluice {

// One column of one row that is not as it should be; a row that only one side has is one, too.
struct RowDifference {
  std::string table;
  std::string key;     // the key's columns, "c1 o7"
  std::string column;  // empty: the whole row
  std::string expected;
  std::string found;
};

struct RowComparison {
  std::int64_t rows = 0;         // that either side has
  std::int64_t differences = 0;  // rows that differ
  std::vector<RowDifference> first;
};

// One thread; throws the types of storage/base/errors.h. Memory is bounded by a piece of COPY.
class PublishedRows {
 public:
  PublishedRows(std::string url, std::string projection, int generation);

  // From here on every question is answered from one snapshot.
  void begin_snapshot();

  [[nodiscard]] std::map<Partition, ViewPosition> positions();

  // Ends it.
  void end_snapshot();

  // By key: the position that its computed rows say they were computed from. Of `tables` those that
  // are computed count; nothing where a key has rows but no such word.
  [[nodiscard]] std::map<std::string, std::optional<std::int64_t>> as_ofs(
      const std::vector<const google::protobuf::Descriptor*>& tables);

  // The rows of sluice.decision against these.
  [[nodiscard]] RowComparison compare_decisions(
      const std::map<Partition, std::vector<Decision>>& expected, int shown);

  // Compares the table, but for what was measured, with the rows that `next` gives until it gives
  // null, in any order; each is used before the next call.
  [[nodiscard]] RowComparison compare(const google::protobuf::Descriptor& row,
                                      const std::function<const google::protobuf::Message*()>& next,
                                      int shown);

 private:
  const std::string projection_;
  const int generation_;
  PgConnection connection_;
};

}  // namespace sluice
