#pragma once

#include <string_view>

#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/tables.h"
#include "sluice/state.pb.h"

namespace sluice {

// A digest of all that each key has emitted to each stream, in its order: a published row, by which
// two generations at one position tell where their rules emit otherwise. Kept whether or not
// anything is sent. One a partition, used by its worker's thread.
class EmissionDigests {
 public:
  explicit EmissionDigests(Tables& tables) : rows_(tables) {}

  // Takes out of the outbox what it has noted of the fact or timer at hand, which is this key's.
  void take(std::string_view source_key, Outbox& outbox);

 private:
  Table<SluiceEmission> rows_;
};

}  // namespace sluice
