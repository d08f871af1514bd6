#pragma once

// One generation of a domain of the world: its stream, its view, and an account of each partition
// that the view is held against.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "projectors/engine/projection.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "tests/simulation/broken.h"
#include "tests/simulation/logged_record.h"
#include "tests/simulation/refold.h"

namespace sluice::simulation {

constexpr std::chrono::milliseconds kHorizon{20'000};
constexpr std::chrono::milliseconds kRetention{2'000};
constexpr std::int64_t kParkedShown = 3;

struct Account {
  std::vector<LoggedRecord> log;  // what a refold may use
  Refold refold;
  std::int64_t position = 0;
  std::size_t folded = 0;        // so many records of `log` lie before it
  bool lost = false;             // the log no longer has what the view was folded from
  std::size_t told_checked = 0;  // so many of the refold's derived facts were looked for
};

struct SimulatedDomain {
  Projection projection;
  std::function<std::unique_ptr<Ledger>()> make_ledger;
  Rows (*published)(const MemoryViews&);
  bool mended = false;  // the rules never fail, where those of another version do
};

class Subject {
 public:
  // `clock` is that of the view's database. The first generation, and the live one.
  Subject(SimulatedDomain domain, MemoryLog& log, MemoryViews::Clock clock);
  // One that is built beside another, by rules of whatever version.
  Subject(SimulatedDomain domain, Subject& live, int generation);

  [[nodiscard]] const Projection& projection() const { return domain_.projection; }
  [[nodiscard]] bool is_live() const { return views_.generation().live; }
  // Whether other domains are told the same by both, and the same comes due.
  [[nodiscard]] bool tells_as(const Subject& other) const {
    return domain_.mended == other.domain_.mended;
  }
  [[nodiscard]] const std::string& stream() const { return stream_; }
  [[nodiscard]] MemoryViews& views() { return views_; }
  [[nodiscard]] const MemoryViews& views() const { return views_; }
  [[nodiscard]] std::vector<Account>& accounts() { return accounts_; }
  [[nodiscard]] Account& account(Partition p) {
    return accounts_[static_cast<std::size_t>(p.value)];
  }
  [[nodiscard]] const Account& account(Partition p) const {
    return accounts_[static_cast<std::size_t>(p.value)];
  }
  [[nodiscard]] bool any_lost() const;

  // What is published equals the account of the same prefix; no position has gone back; only who
  // took a partition last has moved it. Throws Broken.
  void check();

  // Who folds it is told to compute what is due: from here on also of keys that are to wait.
  void hurry() { hurried_ = true; }
  [[nodiscard]] bool hurried() const { return hurried_; }
  // From here on nothing more may be computed of keys that are to wait.
  void end_hurry();
  // Readers saw the other's rows, and see these.
  void succeed(const Subject& shown_before);

  // What these views hold, and what they are to hold where they stand.
  [[nodiscard]] Rows published(const MemoryViews& views) const;
  [[nodiscard]] Rows expected() const;
  // As of which position each key was computed in these views, as Ledger::computed() has it.
  [[nodiscard]] std::map<std::string, std::int64_t> computed(const MemoryViews& views) const;

  // Of these views, as Ledger::computed_rows() has them; and keys of which those are behind.
  [[nodiscard]] TextsByTable computed_rows(const MemoryViews& views) const;
  [[nodiscard]] std::set<std::string> behind(const MemoryViews& views) const;

  void back_up() { backup_ = views_; }
  void drop_backup() { backup_.reset(); }
  [[nodiscard]] bool restorable() const { return backup_ && !any_lost(); }
  void restore();

  // The log's end has gone back to where it is now.
  void forget_tail(Partition partition);

  // Whether the view has reached the end of every log that was not lost, and nothing was to happen
  // by `time` any more; one that is not live, as far as the live one may be followed.
  [[nodiscard]] bool complete(Time time, const Subject& live);

  // When the first thing is to happen that nobody has posted, by all that the log holds.
  [[nodiscard]] std::optional<std::int64_t> next_due_at_end(Partition partition);

  // All that the partition's log holds.
  [[nodiscard]] const std::vector<LoggedRecord>& log_of(Partition partition) {
    read_log(partition);
    return account(partition).log;
  }
  [[nodiscard]] std::string where(Partition partition, std::int64_t position) const;

 private:
  [[nodiscard]] Account fresh(Partition partition) const;
  void read_log(Partition partition);
  bool advance(Partition partition);
  void check_owners();
  void check_rows() const;
  void check_noted(Partition partition) const;
  void check_computed();
  void check_due(Partition partition);

  Subject(SimulatedDomain domain, MemoryLog& log, MemoryViews::Clock clock, int generation,
          bool live);

  const SimulatedDomain domain_;
  const std::string stream_;
  MemoryLog& log_;
  const MemoryViews::Clock clock_;
  MemoryViews views_;
  std::optional<MemoryViews> backup_;
  std::vector<Account> accounts_;
  bool hurried_ = false;
  std::map<std::string, std::int64_t> computed_in_a_hurry_;  // of keys that wait: as of when
  int unmoved_checks_ = 0;
  std::size_t checked_flushes_ = 0;
  std::map<Partition, std::string> owners_;
  std::map<std::string, std::int64_t> as_ofs_;  // of computed keys
};

}  // namespace sluice::simulation
