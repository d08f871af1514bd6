#include "projectors/engine/projection.h"

#include "storage/check.h"

namespace sluice {

void Effects::reject(std::string_view reason) {
  CHECK(tables_.edits() == edits_before_, "a fact is rejected before it has changed a row");
  CHECK(rejection_.empty(), "a fact is rejected once");
  rejection_ = reason;
  outbox_.take_back(before_);
}

void Effects::emit(const google::protobuf::Message& event) {
  CHECK(rejection_.empty(), "a rejected fact emits nothing");
  outbox_.add(event);
}

}  // namespace sluice
