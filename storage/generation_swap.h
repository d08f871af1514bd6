#pragma once

// How readers are given another generation, and back: the order of the steps, and what each of them
// does. Promote and rollback both go by it. Whether two may be swapped, and what they are then, is
// in generation_roles.h.

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "storage/generation_roles.h"
#include "storage/pair_session.h"

namespace sluice {

// How long a swap waits before it gives up: for who uses the views, and for computed rows.
struct SwapPatience {
  std::chrono::milliseconds lock_wait{10'000};
  std::chrono::milliseconds computing{30'000};
};

// The steps of one try. What is written is all or nothing: readers and owners meet none of it
// before commit(), and a death anywhere leaves nothing but the mark. Steps throw Retryable.
class SwapSession : public PairSession {
 public:
  // To be tried again from begin() on.
  struct Again {
    std::string word;  // "busy" or "locked", where it does not come through in time
    std::string reason;
  };
  // Done already, refused for good, or to be tried again.
  using Ended = std::variant<Positions, GenerationRefusal, Again>;

  // Begins the transaction that holds what is locked, and sees to it that the two still are what
  // they were taken for (refuse_roles()) and that nobody claims a further partition of either.
  // nullopt: they are.
  [[nodiscard]] virtual std::optional<Ended> begin() = 0;

  // Locks the positions of the other generation too: its owner may be publishing computed rows.
  virtual void lock_other() = 0;

  // Which keys that are due in the other have older computed rows there than readers saw, for
  // people; "": none.
  [[nodiscard]] virtual std::string still_computed() = 0;

  // Tells the other's owners, for so long, to compute what is due at once, whatever its pace. By
  // itself, whatever is locked.
  virtual void hurry(std::chrono::seconds how_long) = 0;

  // Commits, by itself, the mark of this try: snapshots without it are told to begin again where
  // they come to the views after the swap. With it, computed rows of the other that are of before
  // what readers saw, and not due, become those of the position that readers saw: only where the
  // two are at one position as it is committed, since a session that slept has lost its locks.
  virtual void commit_mark() = 0;

  // Whether snapshots from before the mark are still open, as far as that can be seen.
  [[nodiscard]] virtual bool older_snapshots() = 0;

  // From where on the other emits, and what becomes of all generations (roles_after()).
  virtual void write() = 0;

  // Locks the views, waiting for moments only, and points them to the other. nullopt: it did.
  [[nodiscard]] virtual std::optional<Ended> show() = 0;

  // False: nothing was changed, the transaction was lost with its session.
  [[nodiscard]] virtual bool commit() = 0;
};

class GenerationSwap {
 public:
  using Clock = std::chrono::steady_clock;
  using Result = std::variant<Positions, GenerationRefusal>;
  enum class Step {
    begin,
    lock_live,
    look,
    await_computed_held,  // while nobody publishes rows of the live one; only after `hurry`
    lock_other,
    require_computed,
    mark,
    await_snapshots,
    write,
    show,
    commit,
    hurry,           // from here on with nothing locked, where computed rows are behind
    await_computed,  // and then again from `begin`
  };

  // `other` names the one that is to be live, for people.
  GenerationSwap(SwapSession& session, std::string other, SwapPatience patience,
                 Clock::time_point now)
      : session_(session),
        other_(std::move(other)),
        deadline_(now + patience.lock_wait),
        computed_by_(now + patience.computing) {}

  // Takes the next step. Returns the positions at which it was done, or was already, or why it is
  // refused: then nothing is locked. nullopt: to be called again after wait().
  [[nodiscard]] std::optional<Result> step(Clock::time_point now);
  [[nodiscard]] std::chrono::milliseconds wait() const { return wait_; }
  [[nodiscard]] Step next() const { return next_; }

 private:
  std::optional<SwapSession::Ended> take(Clock::time_point now);
  std::optional<SwapSession::Ended> look(Clock::time_point now);
  std::optional<SwapSession::Ended> require_computed();
  void hurry(Clock::time_point now);
  void await_snapshots(Clock::time_point now);
  void await_computed(Clock::time_point now, Step then);
  std::optional<SwapSession::Ended> commit();
  // What came of one try.
  std::optional<Result> end(SwapSession::Ended ended, Clock::time_point now);

  SwapSession& session_;
  const std::string other_;
  const Clock::time_point deadline_;
  const Clock::time_point computed_by_;
  Step next_ = Step::begin;
  std::chrono::milliseconds wait_{0};
  std::optional<Clock::time_point> until_;  // of what is awaited
  Positions positions_;
  bool computing_ = false;  // something is to be computed first
  bool hurried_ = false;    // the other's owners were told so
  int apart_ = 0;           // tries in which the two were not at one position
};

}  // namespace sluice
