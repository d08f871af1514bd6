#pragma once

// A look at a key that has too many records and rows for memory: folded into a store on disk, some
// records a step, and then held against state and view range by range, each at a position of its
// own, up to which the key is folded on.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/audit/key_look.h"

namespace sluice {

// A store that is empty, and gone with the last reference to it.
using OpenScratch = std::function<std::shared_ptr<StateStore>()>;

class LargeKeyLook {
 public:
  struct Limits {
    std::size_t postings = 16'384;  // folded a step, about
    std::size_t rows = 16'384;      // of a range
  };

  // The look outlives this; so does the view of `of`. One thread.
  LargeKeyLook(const AuditedPartition& of, KeyLook& look, AuditedView& view, ReadRecord read,
               const OpenScratch& scratch, const IndexSlice::Group& group, Limits limits);

  enum class Did { looked, waits, done };
  // As KeyLook's; after a failure it must be dropped.
  [[nodiscard]] Did step();

  // When done. What differs was found twice: there is no need for another look.
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] Offset position() const { return least_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] const RowFaults& faults() const { return faults_; }
  [[nodiscard]] bool by_other_rules() const { return refold_ && refold_->by_other_rules(); }

 private:
  // Of the range, as state and view have them at one position.
  struct RangeRows {
    std::string from;  // in a store, and ...
    std::string to;    // ... behind the last
    Offset position;
    Postings since;  // that the key has had since it was folded
    KeyLook::StateRows state;
    std::unique_ptr<AuditedRows> view;  // null: it has none of the key to look at
  };

  [[nodiscard]] Postings postings(const LentState& state, Offset from, Offset before) const;
  [[nodiscard]] std::string find_key(const Postings& postings) const;
  Did fold_on();
  Did compare_range();
  // The keys of the rows in the store that are the range's last, and of all behind it the first.
  void begin_range();
  [[nodiscard]] std::optional<RowFaults> faults_of_range();
  [[nodiscard]] bool read_range(RangeRows& range);

  const AuditedPartition of_;
  KeyLook& look_;
  AuditedView& view_;
  const ReadRecord read_;
  const IndexSlice::Group group_;
  const Limits limits_;
  const std::shared_ptr<StateStore> store_;
  std::string key_;
  std::optional<KeyRefold> refold_;
  Offset folded_{0};
  bool caught_up_ = false;
  std::vector<TableRows*> tables_;
  std::size_t table_ = 0;
  // Keys of rows in a store: the range is behind the one, up to the other; empty: to the table's
  // end.
  std::string after_;
  std::string upto_;
  Offset least_{0};
  std::int64_t rows_ = 0;
  std::size_t rows_of_range_ = 0;
  RowFaults faults_;
};

}  // namespace sluice
