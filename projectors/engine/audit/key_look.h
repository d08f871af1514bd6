#pragma once

// A look at the rows of some keys: folded alone, by the log, and held against the state and the
// view as both are at one position.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/audit/lent_state.h"
#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/fold/key_store.h"
#include "projectors/engine/key_index/index_slice.h"
#include "projectors/engine/projection.h"
#include "storage/audited_view.h"

namespace sluice {

// All outlive what is given it.
struct AuditedPartition {
  const Projection& projection;
  const Generation& generation;
  Partition partition;
};

// Whether rows of the key are folded here. Of a key that is another partition's, of which a record
// was misrouted to this one, the view's rows are that partition's to look at; the state has none.
[[nodiscard]] bool is_own(const AuditedPartition& of, std::string_view key);

// Whether rows of the table are held against a fold of their keys: not those that are computed, the
// engine's own, or a whole partition's.
[[nodiscard]] bool is_audited(const google::protobuf::Descriptor& row);

[[nodiscard]] std::vector<TableRows*> audited_tables(KeyRefold& refold);

// As LentState has it.
[[nodiscard]] ScanState scan_of(const LentState& state);

// A row as a store has it; one that cannot be read says nothing, so that it is equal to no other.
void read_row(google::protobuf::Message& row, std::string_view key, std::string_view bytes);

// Ends the view's snapshot with its scope, if one was begun.
struct SnapshotEnd {
  AuditedView& view;
  ~SnapshotEnd() { view.end(); }
};

class KeyLook {
 public:
  using Keys = std::set<std::string, std::less<>>;

  // A key with more records is too large to be folded in memory (large_key.h).
  static constexpr std::size_t kRecordsMax = 50'000;

  struct StateRows {
    TableRows* table;
    std::map<std::string, std::string, std::less<>> rows;  // bytes by key
  };
  // Adds what differs between rows of the state and those of these keys that the store has.
  static void compare(const StateRows& found, KeyStore& store, const Keys& keys, RowFaults& faults);

  // The view outlives this. One thread.
  KeyLook(const AuditedPartition& of, LendState lend, AuditedView& view, ReadRecord read);

  struct Seen {
    Offset position;        // whatever key had a record before it was looked at, there or later
    Keys keys;              // that were looked at
    std::int64_t rows = 0;  // of theirs in the view
    std::vector<IndexSlice::Group> too_large;  // keys that were not looked at
    RowFaults faults;
    bool by_other_rules = false;        // of one key: as KeyRefold has it
    std::optional<std::uint64_t> next;  // of a slice: the first hash not looked at
  };
  // Each: nullopt where state and view are not to be had at one position now. Retryable: the view
  // or the log does not answer. Corrupt: the log lacks records, or the index cannot be read.

  // Keys of these hashes, many at once.
  [[nodiscard]] std::optional<Seen> at_slice(const SliceBounds& bounds);
  // One key, exactly.
  [[nodiscard]] std::optional<Seen> at_key(const std::string& key);

  // The state, if it can be lent now, is of this generation, and has an index.
  [[nodiscard]] std::unique_ptr<LentState> lend();
  // The same, as it is at the position of the view's snapshot, which is begun with it; nullptr:
  // that cannot be had now.
  [[nodiscard]] std::unique_ptr<LentState> lent_at_view();
  // Whether it was refused last since it has none.
  [[nodiscard]] bool lacks_index() const { return lacks_index_; }

 private:
  struct Rows {
    Offset position;
    Postings since;
    std::vector<StateRows> state;
    std::vector<std::pair<TableRows*, std::unique_ptr<AuditedRows>>> view;
  };
  // What has come of the keys since the fold's beginning.
  using More = std::function<Postings(const ScanState&)>;

  [[nodiscard]] std::optional<Rows> rows_of(const std::vector<TableRows*>& tables, const Keys& keys,
                                            const More& more);
  [[nodiscard]] static bool read_state(const LentState& state, const Keys& keys, StateRows& into);
  [[nodiscard]] std::optional<Seen> compare(KeyRefold& refold, KeyStore& store, Keys keys,
                                            const More& more);

  const AuditedPartition of_;
  const LendState lend_;
  AuditedView& view_;
  const ReadRecord read_;
  bool lacks_index_ = false;
};

}  // namespace sluice
