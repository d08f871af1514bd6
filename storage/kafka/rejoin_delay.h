#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "storage/base/mutex.h"
#include "storage/kafka/kafka_log.h"

namespace sluice::kafka {

// Keeps a static member that left its group without partitions from rejoining before its session
// has expired. A static member that rejoins earlier is given the assignment that it had, without a
// rebalance: an empty one would stay empty for good, as after a topic was gone for a while. An
// earlier process may have left idle unknown to this one: a member that joins and is given nothing
// leaves too, once until it has partitions. Any thread.
class RejoinDelay {
 public:
  // The member has left without partitions just now; its session expires after `session`.
  void left_idle(const KafkaMember& member, std::chrono::milliseconds session);
  // Throws Retryable until the session of a member that left idle has expired.
  void require_session_expired(const KafkaMember& member);
  // True at the first call for this member since it had partitions.
  [[nodiscard]] bool may_leave_idle(const KafkaMember& member);
  void has_partitions(const KafkaMember& member);

 private:
  using Clock = std::chrono::steady_clock;
  Mutex mutex_;
  std::map<std::string, Clock::time_point, std::less<>>
      session_expires_;                                // guarded; by group/instance
  std::set<std::string, std::less<>> left_idle_once_;  // guarded
};

}  // namespace sluice::kafka
