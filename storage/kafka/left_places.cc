#include "storage/kafka/left_places.h"

#include "storage/base/errors.h"

namespace sluice::kafka {
namespace {

// Between what the broker counts from and us.
constexpr std::chrono::seconds kMargin{1};

std::string name_of(const KafkaMember& member) { return member.group + "/" + member.instance; }

}  // namespace

void LeftPlaces::went(const KafkaMember& member, std::chrono::milliseconds session) {
  const std::lock_guard lock(mutex_);
  forgotten_[name_of(member)] = Clock::now() + session + kMargin;
}

void LeftPlaces::require_forgotten(const KafkaMember& member) {
  const std::lock_guard lock(mutex_);
  const auto found = forgotten_.find(name_of(member));
  if (found == forgotten_.end()) return;
  if (Clock::now() < found->second) {
    throw Retryable("the group " + member.group + " had nothing for " + member.instance +
                    " and still remembers it");
  }
  forgotten_.erase(found);
}

bool LeftPlaces::first_to_go(const KafkaMember& member) {
  const std::lock_guard lock(mutex_);
  return have_gone_.insert(name_of(member)).second;
}

void LeftPlaces::has_something(const KafkaMember& member) {
  const std::lock_guard lock(mutex_);
  have_gone_.erase(name_of(member));
}

}  // namespace sluice::kafka
