#pragma once

// Folds one key of a partition alone, from what the index says of it: its rows then are those that
// a fold of the whole partition has of the key, tables that are per partition left out.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/fold/partition_fold.h"
#include "projectors/engine/key_index/posting.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace sluice {

// The record at this offset, valid until the next call. Throws where the log does not have it.
using ReadRecord = std::function<LogRecord(Offset)>;

// What was folded: a record of the key, or one of another by which timers of the key had their
// turn.
struct KeyStep {
  Offset offset;
  bool fired = false;  // of another key
  std::string id;      // empty: of another key, or it cannot be read
  std::string type;    // the same; a control record's: "control.release"
  std::string reason;  // of a rejection; or "duplicate", "quarantined"
};

// Used by one thread.
class KeyRefold {
 public:
  // `store` is empty, and outlives this as `projection` does. `key` is of the partition.
  KeyRefold(const Projection& projection, const Generation& generation, Partition partition,
            std::string key, StateStore& store);
  // Of several keys at once, which the postings given to fold() are of: an account for a first
  // look, since what waits in quarantine of one key may be numbered otherwise than alone, and a
  // contradiction between index and log is not noticed.
  KeyRefold(const Projection& projection, const Generation& generation, Partition partition,
            StateStore& store);

  // Called behind each step: the store still has what was before it, whole().tables() what changed.
  using Watch = std::function<void(const KeyStep&)>;

  // The postings of the key's index below a position, and the partition's records; then, if need
  // be, those from there on. Corrupt: they contradict each other, as no rules make them.
  void fold(const Postings& postings, const ReadRecord& read, const Watch& watch = {});

  // One record of the key more, which the log need not have, where record time stands there.
  void fold_next(const LogRecord& record, Time record_time);

  // Of the key, that is: postings name records of others, too.
  [[nodiscard]] std::int64_t records() const { return records_; }
  [[nodiscard]] const std::vector<Rejection>& rejections() const { return rejections_; }
  [[nodiscard]] PartitionFold& whole() { return fold_; }
  // Of one key: whether its index was written by other rules, as far as that can be told: a record
  // waited in quarantine there and not here, or a decision found something, or the other way about.
  // The rows are then what these rules make of the records, but for timers that only these rules
  // set: the index does not say when time came to them.
  [[nodiscard]] bool by_other_rules() const { return by_other_rules_; }
  // Whether a decision found something, or an id had counted, by those rules and not by these, or
  // the other way about.
  [[nodiscard]] bool counts_otherwise() const { return counts_otherwise_; }
  // Of several keys: those whose records were met.
  [[nodiscard]] const std::set<std::string, std::less<>>& keys() const { return keys_; }

 private:
  // False: the rules threw, and folding goes on from what is written.
  [[nodiscard]] bool fold(const Posting& posting, const ReadRecord& read);
  [[nodiscard]] bool fold_record(const Posting& posting, const LogRecord& record);
  [[nodiscard]] bool concerns_key(const OpenRecord& open) const;
  void bring_time(Time time);
  void hold_against(const Posting& posting, const OpenRecord& open);
  void write();
  [[nodiscard]] std::string reason() const;

  const std::string_view projection_;
  const std::string key_;  // empty: of several
  std::set<std::string, std::less<>> keys_;
  const RecordOpener opener_;
  StateStore& store_;
  PartitionFold fold_;
  EnvelopeOpener envelope_;
  StateBatch batch_;
  KeyStep step_;
  bool concerned_ = false;  // whether the record at hand is the key's
  bool decided_ = false;    // somebody decided on what waits under the key
  bool by_other_rules_ = false;
  bool counts_otherwise_ = false;
  std::int64_t records_ = 0;
  std::int64_t unwritten_records_ = 0;
  std::vector<Rejection> rejections_;
};

}  // namespace sluice
