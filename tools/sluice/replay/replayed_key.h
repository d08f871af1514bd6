#pragma once

// A key folded alone up to a position, as a person asked for it.

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/fold/key_store.h"
#include "schemas/descriptors/domain.h"
#include "storage/postgres/key_rows.h"
#include "tools/sluice/records/partition_records.h"
#include "tools/sluice/replay/key_history.h"

namespace sluice {

// One thread.
class ReplayedKey {
 public:
  explicit ReplayedKey(const KeyPlace& place);

  // The postings up to a position; then, if need be, those from there on. `trace` is told what each
  // step changes, steps being numbered from 0; null: nobody asks.
  void fold(const Postings& postings, PartitionRecords& records, KeyTrace* trace);

  // Rows of the key that the published table has.
  [[nodiscard]] std::vector<std::unique_ptr<google::protobuf::Message>> rows(
      const google::protobuf::Descriptor& row);

  // Tells `rows` of them as they should be.
  void expect(const google::protobuf::Descriptor& row, KeyRows& rows);

  // Folds one record more, as if it stood at its offset, behind what fold() has folded; the
  // partition's record time is this one there.
  void fold_next(const LogRecord& record, Time record_time) {
    refold_.fold_next(record, record_time);
  }

  [[nodiscard]] std::int64_t records() const { return refold_.records(); }
  [[nodiscard]] const std::vector<Rejection>& rejections() const { return refold_.rejections(); }
  [[nodiscard]] const std::vector<KeyStep>& steps() const { return steps_; }
  // Whether the record folded last was a repeat, or a decision that found nothing.
  [[nodiscard]] bool repeated() { return refold_.whole().repeated(); }
  // As KeyRefold::by_other_rules().
  [[nodiscard]] bool by_other_rules() const { return refold_.by_other_rules(); }

 private:
  void tell_changes(KeyTrace& trace, std::int64_t step);

  const std::string key_;
  KeyStore store_;
  KeyRefold refold_;
  std::vector<KeyStep> steps_;
};

// The published tables whose rows follow from one key's records: not those that are computed, nor
// those of a partition.
[[nodiscard]] std::vector<const google::protobuf::Descriptor*> tables_of_keys(const Domain& domain);

// What the domain's facts call their key: columns of that name have it.
[[nodiscard]] std::set<std::string> key_names(const Domain& domain);

}  // namespace sluice
