#pragma once

// An independent, dumb account of what a partition's view must hold, and whom it must have told
// what, after a prefix of its log: maps and sets over the records' own text, sharing no code with
// the engine.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/envelope.pb.h"
#include "storage/base/position.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/logged_record.h"

namespace sluice::simulation {

// Which of a source partition's derived records: the offset that brought it about, and an ordinal.
using Turn = std::pair<std::int64_t, std::int64_t>;

// nullopt: its bytes have aged out, or are not shown because too much waits before it.
struct Quarantined {
  std::string key;
  std::optional<std::string> value;
  bool operator==(const Quarantined&) const = default;
};

// What people decided: "release", "discard" or "edit", and on what.
struct Decided {
  std::string kind;
  std::optional<std::int64_t> offset;
  std::string who;
  std::string why;
  bool operator==(const Decided&) const = default;
};

struct Derived {
  Turn turn;
  std::int64_t recorded_at = 0;
  Telling telling;
};

// Of a generation, times in milliseconds.
struct Lengths {
  std::int64_t horizon = 0;
  std::int64_t retention = 0;
  std::int64_t shown = 0;  // records that wait under a key, with their bytes
};

class Refold {
 public:
  Refold(int partition, int partitions, Lengths lengths, std::unique_ptr<Ledger> ledger)
      : partition_(partition),
        partitions_(partitions),
        lengths_(lengths),
        ledger_(std::move(ledger)) {}
  Refold(const Refold& other) : Refold(other, other.ledger_->copy()) {}
  Refold(Refold&&) = default;
  Refold& operator=(Refold&&) = default;

  void take(LoggedRecord record);

  // When the first thing is to happen that nobody has posted.
  [[nodiscard]] std::optional<std::int64_t> next_due() const;
  [[nodiscard]] std::int64_t record_time() const { return record_time_; }

  [[nodiscard]] const Ledger& ledger() const { return *ledger_; }
  [[nodiscard]] Ledger& ledger() { return *ledger_; }
  std::map<std::int64_t, std::string> rejections;   // reason by offset
  std::map<std::int64_t, Quarantined> quarantined;  // by offset
  std::map<std::int64_t, Decided> decisions;        // by their own offset
  std::vector<Derived> derived;                     // in order
  // By source key and stream: how many, and the digest over their keys and payloads in order.
  std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, Digest>> emissions;
  std::int64_t failed = 0;  // facts at which the rules threw, as they came
  std::int64_t timers_failed = 0;

 private:
  Refold(const Refold& other, std::unique_ptr<Ledger> ledger)
      : rejections(other.rejections),
        quarantined(other.quarantined),
        decisions(other.decisions),
        emissions(other.emissions),
        failed(other.failed),
        timers_failed(other.timers_failed),
        partition_(other.partition_),
        partitions_(other.partitions_),
        lengths_(other.lengths_),
        ledger_(std::move(ledger)),
        record_time_(other.record_time_),
        seen_(other.seen_),
        came_(other.came_),
        parked_(other.parked_),
        held_(other.held_),
        ends_(other.ends_),
        aged_out_(other.aged_out_) {}

  void move_time(const LoggedRecord& record, const Envelope& envelope);
  void pass();
  [[nodiscard]] bool fails(const LoggedRecord& record, const Envelope& envelope) const;
  // Whether something behind which the record waits could not happen when time came to it.
  [[nodiscard]] bool held_up(const LoggedRecord& record, const Envelope& envelope) const;
  bool resume(const std::string& key, bool drops_first);
  void park(const LoggedRecord& record, const Envelope& envelope, bool parsed);
  void tell(std::vector<Telling> tellings);
  void apply_control(const LoggedRecord& record, const Envelope& envelope);
  void fold_event(const LoggedRecord& record, const Envelope& envelope);
  void decide(const LoggedRecord& record, const Control& control);
  void discard(const std::string& of, const Control::Discard& given);
  void edit(const std::string& key, const Control::Edit& edit);
  void release(const std::string& key, const Control::Release& given);
  [[nodiscard]] std::optional<std::int64_t> first(const std::string& key) const;
  [[nodiscard]] bool is_shown(const LoggedRecord& record) const;
  void quarantine(const LoggedRecord& record, const Envelope& envelope, bool parsed);
  void unquarantine(std::int64_t offset);
  [[nodiscard]] bool readable(const LoggedRecord& record, Envelope& envelope) const;
  [[nodiscard]] bool seen(const LoggedRecord& record, const Envelope& envelope,
                          std::int64_t record_time) const;
  [[nodiscard]] bool repeats(const LoggedRecord& record, const Envelope& envelope);

  int partition_;
  int partitions_;
  Lengths lengths_;
  std::unique_ptr<Ledger> ledger_;
  std::int64_t record_time_ = 0;
  Turn next_{0, 0};           // of the derived records of the record at hand
  std::int64_t arrived_ = 0;  // the record at hand, by the log's clock
  // By key and id: time and payload of every time it counted.
  std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, std::string>> seen_;
  // Every derived record that ever came, by its source.
  std::map<std::pair<std::string, int>, std::set<Turn>> came_;
  std::map<std::string, std::map<std::int64_t, LoggedRecord>> parked_;
  // Keys of which something could not happen, and where quarantine says so: numbered downward.
  std::map<std::string, std::int64_t> held_;
  // When the bytes of those that are no fact go, by offset.
  std::map<std::int64_t, std::int64_t> ends_;
  std::set<std::int64_t> aged_out_;
};

}  // namespace sluice::simulation
