#pragma once

// Two generations of a projection, one of which is live, as who compares or swaps them meets them:
// where they stand, and what is locked for moments. Technologies: memory/, postgres/.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "storage/base/errors.h"
#include "storage/generation_refusal.h"

namespace sluice {

using Positions = std::map<int, std::int64_t>;  // by partition

// Where the two stand, in one snapshot.
struct PairStand {
  bool equal = false;        // positions and digests, in every partition
  bool another_log = false;  // somewhere positions are equal and digests are not
  Positions positions;       // of the live one
  std::string apart;         // for people, where they are not equal
};

inline constexpr std::chrono::milliseconds kHeldAtMost{1000};
inline constexpr std::chrono::milliseconds kBetweenLooks{10};
inline constexpr std::chrono::milliseconds kBetweenTries{200};
inline constexpr int kTries = 5;

// One thread. The technology ends what is locked when the session has said nothing for 2 s: a
// command that hangs holds nothing up.
class PairSession {
 public:
  virtual ~PairSession() = default;

  // Locks the live generation's positions: its flushes wait, readers do not. Retryable where
  // somebody else has them too long.
  virtual void lock_live() = 0;

  virtual PairStand look() = 0;

  // Lets go of all that is locked, and of what was written and not committed.
  virtual void release() noexcept = 0;

  // Of a failure which says only that something was not there in time, to be tried again: what, for
  // people. nullopt: it is another one.
  [[nodiscard]] virtual std::optional<std::string> not_in_time(const Retryable& failure) const = 0;
};

[[nodiscard]] inline GenerationRefusal refuse_log(const std::string& other) {
  return {"log", other +
                     " was folded from another log than the live one: at one position the last "
                     "records of the two differ"};
}

[[nodiscard]] inline std::string not_at_one_position(const PairStand& stand) {
  return "the two generations were not at one position within a second, " + std::to_string(kTries) +
         " times: " + stand.apart;
}

}  // namespace sluice
