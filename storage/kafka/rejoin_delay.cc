#include "storage/kafka/rejoin_delay.h"

#include "storage/base/errors.h"

namespace sluice::kafka {
namespace {

// Between what the broker counts from and us.
constexpr std::chrono::seconds kMargin{1};

std::string name_of(const KafkaMember& member) { return member.group + "/" + member.instance; }

}  // namespace

void RejoinDelay::left_idle(const KafkaMember& member, std::chrono::milliseconds session) {
  const MutexLock lock(mutex_);
  session_expires_[name_of(member)] = Clock::now() + session + kMargin;
}

void RejoinDelay::require_session_expired(const KafkaMember& member) {
  const MutexLock lock(mutex_);
  const auto found = session_expires_.find(name_of(member));
  if (found == session_expires_.end()) return;
  if (Clock::now() < found->second) {
    throw Retryable("the group " + member.group + " had nothing for " + member.instance +
                    " and still remembers it: joining it again when its session is over");
  }
  session_expires_.erase(found);
}

bool RejoinDelay::may_leave_idle(const KafkaMember& member) {
  const MutexLock lock(mutex_);
  return left_idle_once_.insert(name_of(member)).second;
}

void RejoinDelay::has_partitions(const KafkaMember& member) {
  const MutexLock lock(mutex_);
  left_idle_once_.erase(name_of(member));
}

}  // namespace sluice::kafka
