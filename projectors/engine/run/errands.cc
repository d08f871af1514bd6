#include "projectors/engine/run/errands.h"

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {

bool Errands::ask(const ErrandPlace& place, const Work& work, std::chrono::milliseconds patience) {
  Errand errand{.place = place, .work = work};
  MutexLock lock(mutex_);
  if (all_.size() >= kWaitingMax) {
    throw Retryable("the owner of " + place.projection + ":" +
                    std::to_string(place.partition.value) +
                    " has too much to answer already: ask again");
  }
  all_.push_back(&errand);
  const auto begun = [&] { return errand.stage != Errand::Stage::waiting; };
  const bool taken = changed_.wait_for(lock, patience, begun);
  // The worker that has begun the errand uses `work` and `errand`, which live here, until it is
  // done.
  if (taken) changed_.wait(lock, [&] { return errand.stage == Errand::Stage::done; });
  all_.remove(&errand);
  if (errand.failure) std::rethrow_exception(errand.failure);
  return taken;
}

bool Errands::any() const {
  const MutexLock lock(mutex_);
  return !all_.empty();
}

Errands::Errand* Errands::next(const ErrandPlace& place) {
  const MutexLock lock(mutex_);
  const auto found = std::ranges::find_if(all_, [&](const Errand* each) {
    return each->stage == Errand::Stage::waiting && each->place == place;
  });
  if (found == all_.end()) return nullptr;
  (*found)->stage = Errand::Stage::begun;
  changed_.notify_all();
  return *found;
}

void Errands::serve(const ErrandPlace& place, OwnedPartition& owned) {
  while (Errand* const errand = next(place)) {
    std::exception_ptr failure;
    try {
      errand->work(owned);
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
    const MutexLock lock(mutex_);
    errand->failure = failure;
    errand->stage = Errand::Stage::done;
    changed_.notify_all();
  }
}

}  // namespace sluice
