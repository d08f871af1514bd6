#pragma once

// Timers that folds have set: rows of the partition's state, and in memory those that come first.

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "projectors/engine/tables.h"
#include "sluice/state.pb.h"
#include "storage/base/position.h"

namespace sluice {

// A timer is identified by key and kind, whose meaning is the domain's.
struct Timer {
  std::string_view key;
  int kind = 0;
  Time due;
  Offset folded_to{};  // the position behind the record with which it fires
  // Of the record that set it, or that set the timer which did: its key and its offset. The
  // engine's own have none.
  std::string_view record_key{};
  Offset set_at{};
};

// One a partition, used by its worker's thread. Setting and cancelling are edits of Tables.
class Timers {
 public:
  // So many are kept in memory; the rest is met in the state when their turn comes.
  explicit Timers(Tables& tables, std::size_t soonest_max = 1024)
      : rows_(tables), turns_(tables), waiting_(tables), soonest_max_(soonest_max) {}

  // Learns which come first; after the tables were loaded or dropped.
  void load();

  // Takes the place of the timer of this key and kind, if there is one, which must be of the same
  // record key.
  void set(const Timer& timer);
  // Without such a timer nothing happens. It must be of this record key.
  void cancel(std::string_view key, int kind, std::string_view record_key = {});

  // When the first is due; nullopt: none is set. Costs nothing.
  [[nodiscard]] std::optional<Time> next_due() const {
    return soonest_.empty() ? std::nullopt : std::optional(std::get<0>(*soonest_.begin()));
  }

  // Takes out the first of those that are due at `now`, in the order (due, key, kind); nullopt:
  // there is none. Its keys are valid until the next call.
  [[nodiscard]] std::optional<Timer> take_due(Time now);

  // The timer, which was taken, is set again but has no turn until resume(): it waits, and may be
  // set anew or cancelled meanwhile as any other.
  void wait(const Timer& taken);
  // Every timer that is set, whether it waits or not.
  template <class Each>
  void for_each(Each each) const {
    for (const TimerRow& row : rows_.prefix()) each(row);
  }

  // All that wait under the record key have their turns again.
  void resume(std::string_view record_key);
  // The first of those, in the order (due, key, kind), is set no longer; without any nothing
  // happens.
  void cancel_first_waiting(std::string_view record_key);

 private:
  using Turn = std::tuple<Time, std::string, int>;

  static void require_owner(const TimerRow& row, std::string_view record_key);
  void remove(const TimerRow& row);
  void add_turn(Turn turn);
  void fill();

  Table<TimerRow> rows_;
  Table<TimerTurn> turns_;
  Table<WaitingTimer> waiting_;
  const std::size_t soonest_max_;
  // The first of all that are set; not all: there are more behind its last.
  std::set<Turn> soonest_;
  bool all_ = true;
  std::string taken_key_;
  std::string taken_record_key_;
};

}  // namespace sluice
