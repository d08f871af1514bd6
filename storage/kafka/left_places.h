#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "storage/kafka/kafka_log.h"

namespace sluice::kafka {

// Static members of this process that went with nothing. Who comes back under a static name while
// its group remembers it is given what it had, and nobody is asked anew: where that was nothing, as
// of a stream that was gone and is there again, it would be nothing for good. So it comes back when
// the group has forgotten it. A process before this one may have gone so, unknown to us: who is
// let in and has nothing goes as well, once until it has something. On any thread.
class LeftPlaces {
 public:
  // It went now, and is remembered for so long.
  void went(const KafkaMember& member, std::chrono::milliseconds session);
  // Throws Retryable until then.
  void require_forgotten(const KafkaMember& member);
  // True when it is asked of this member for the first time since it had something.
  [[nodiscard]] bool first_to_go(const KafkaMember& member);
  void has_something(const KafkaMember& member);

 private:
  using Clock = std::chrono::steady_clock;
  std::mutex mutex_;
  std::map<std::string, Clock::time_point, std::less<>> forgotten_;  // guarded; by group/instance
  std::set<std::string, std::less<>> have_gone_;                     // guarded
};

}  // namespace sluice::kafka
