#include "projectors/engine/effects.h"

#include "storage/base/check.h"

namespace sluice {

void Effects::reject(std::string_view reason) {
  CHECK(!cause_.fires, "a timer has no producer who could be told of a rejection");
  CHECK(tables_.edits() == edits_before_, "a fact is rejected before it has changed a row");
  CHECK(rejection_.empty(), "a fact is rejected once");
  rejection_ = reason;
  outbox_.take_back(before_);
}

void Effects::emit(const google::protobuf::Message& event) {
  CHECK(rejection_.empty(), "a rejected fact emits nothing");
  outbox_.add(event);
}

void Effects::at(Time due, std::string_view key, int kind) {
  CHECK(rejection_.empty(), "a rejected fact sets no timer");
  CHECK(kind >= 0, "kinds below 0 are the engine's own");
  CHECK(!cause_.fires || due > *cause_.fires, "firing comes to an end, and in order");
  timers_.set({key, kind, due, {}, cause_.key, cause_.position});
}

void Effects::cancel(std::string_view key, int kind) {
  CHECK(rejection_.empty(), "a rejected fact cancels no timer");
  timers_.cancel(key, kind, cause_.key);
}

}  // namespace sluice
