#pragma once

// A view as an audit sees it: rows of one snapshot, held against rows that were folded elsewhere,
// and what came of that, written down. Technologies: memory/, postgres/audit/.

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/position.h"
#include "storage/projection_sink.h"
#include "storage/row_fault.h"

namespace sluice {

// Rows of one table, in memory: the snapshot that they were read in may have ended.
class AuditedRows {
 public:
  virtual ~AuditedRows() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  // Adds what is not as in `expected`, the rows that should be there, in any order. Only columns
  // count.
  virtual void compare(std::span<const google::protobuf::Message* const> expected,
                       RowFaults& faults) const = 0;
};

// To which partition keys rows of a table belong.
struct RowOwners {
  std::vector<std::string> owners;  // a row each; those that follow each other may be left out
  std::string next;                 // where to go on; empty: these were the last
};

// One generation of one projection. One session, one thread; answers within two seconds or throws
// Retryable. A snapshot that is not ended in two seconds ends by itself, and what is asked of it
// after that throws Retryable.
class AuditedView {
 public:
  virtual ~AuditedView() = default;

  // Begins a snapshot, which every other function needs: where the view of the partition is in it.
  // nullopt: it was never taken.
  [[nodiscard]] virtual std::optional<ViewPosition> begin(Partition partition) = 0;
  virtual void end() noexcept = 0;

  // All rows of a published table that belong to these keys.
  [[nodiscard]] virtual std::unique_ptr<AuditedRows> rows_of(
      const google::protobuf::Descriptor& row, const std::vector<std::string>& keys) = 0;
  // Those that belong to the key, behind the key fields of one row and up to those of another;
  // null: from the first, to the last.
  [[nodiscard]] virtual std::unique_ptr<AuditedRows> rows_between(
      const google::protobuf::Descriptor& row, const std::string& key,
      const google::protobuf::Message* after, const google::protobuf::Message* upto) = 0;
  // Of up to `limit` rows, of whichever partition, in key order from `from` on, as `next` had it;
  // empty: from the first.
  [[nodiscard]] virtual RowOwners owners(const google::protobuf::Descriptor& row,
                                         const std::string& from, std::size_t limit) = 0;
};

// How the audit of a partition stands: its row of sluice.audit.
struct AuditStanding {
  std::int64_t round = 0;           // the last that was finished, or the first; 0: none was begun
  std::optional<Offset> proved_to;  // the least position at which that one looked; nullopt: none
  std::int64_t rows = 0;            // that it has compared in the view
  std::int64_t large = 0;           // keys that it could not fold in memory
  std::int64_t differences = 0;     // known now, also those that are not kept
  // Of the round at hand.
  std::int64_t walks = 0;  // its number; 0: none
  std::string walked;      // how far it is, for who goes on with it
};

// What audits of one generation have come to. As AuditedView; needs no snapshot, and none may be
// begun. Nothing is kept of a generation that readers do not see, or see no more.
class AuditBook {
 public:
  virtual ~AuditBook() = default;

  // What the process that audited the partition last has written of it.
  [[nodiscard]] virtual AuditStanding standing(Partition partition) = 0;
  enum class Note { goes_on, begins, finishes };  // of the round at hand
  virtual void note(Partition partition, const AuditStanding& standing, Note note) = 0;

  // Drops the key's differences but for these; those that stay are as old as they were.
  virtual void retain(Partition partition, const std::string& key,
                      std::span<const RowFault> faults) = 0;
  // Adds those that are not there. At most kDifferencesKept of a partition are kept.
  virtual void add(Partition partition, std::span<const RowFault> faults) = 0;
  // Keys with differences that are kept, and of each how many.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::int64_t>> differing(
      Partition partition) = 0;
};

inline constexpr std::size_t kDifferencesKept = 1000;

}  // namespace sluice
