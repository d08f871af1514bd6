#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/reader_views.h"
#include "storage/postgres/swap/generation_pair.h"
#include "storage/postgres/swap/promotion.h"

namespace sluice {

// The transaction that gives readers the other generation of a pair, tried until it comes through.
// Two sessions: one holds what is locked, the other looks, and commits the mark.
class Swap {
 public:
  enum class Kind { promote, roll_back };

  Swap(const std::string& url, const GenerationPair& pair, Kind kind);

  // The positions at which it was done, or was already; contracts as in promotion.h.
  std::variant<Positions, GenerationRefusal> run(SwapPatience patience);

 private:
  // What came of one try: done with positions, refused for good, or to be tried again.
  struct Again {
    std::string word;  // "busy" or "locked", where it does not come through in time
    std::string reason;
    bool computing = false;  // it is to be computed first
  };
  struct ComputedTable {
    std::string name;
    std::string key;   // of `o`, what the computations go by
    std::string same;  // whether `o` and `n` are of one key
    std::string old_rows;
    std::string new_rows;
  };
  using Tried = std::variant<Positions, GenerationRefusal, Again>;

  Tried attempt();
  // Everything in the transaction, but for its end.
  std::optional<Tried> prepare(Positions& positions);
  // Whether the two still are what the pair says; locks their rows, so that nobody claims a further
  // partition. Nothing where they are.
  std::optional<Tried> require_roles();
  // Locks the positions of both once they are equal.
  std::optional<Tried> meet(Positions& positions);
  [[nodiscard]] std::vector<ComputedTable> computed_tables(PgConnection& connection) const;
  // Which keys have computed rows that are older than those which readers saw, for people; ""
  // where they are but so by what they say.
  [[nodiscard]] std::string still_computed(PgConnection& connection) const;
  // Has the other one's owners compute what is due at once.
  void hurry_computing();
  void await_computed(std::chrono::steady_clock::time_point until);
  void carry_as_of_on();
  void commit_mark();
  void await_older_snapshots();
  void set_statuses();
  std::optional<Tried> make_views();
  // After a commit whose answer was lost.
  [[nodiscard]] bool went_through();
  [[nodiscard]] std::string holder_of_views();
  [[nodiscard]] std::string applier();

  const GenerationPair pair_;
  const Kind kind_;
  const std::string live_;  // numbers as text
  const std::string other_;
  PgConnection holding_;
  PgConnection beside_;
  std::string holding_pid_;
  Shown shown_;
  bool hurried_ = false;
  std::string reads_sql_;
  std::string holder_;  // who was seen in the way last
};

}  // namespace sluice
