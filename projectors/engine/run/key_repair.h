#pragma once

// What a state has of one key, held against a fold of the key alone, and corrected.

#include <string>

#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/fold/key_store.h"
#include "projectors/engine/fold/partition_fold.h"
#include "projectors/engine/projection.h"
#include "storage/projection_sink.h"
#include "storage/state_store.h"

namespace sluice {

// Of one partition; all outlive it.
struct RepairedState {
  const Projection& projection;
  const Generation& generation;
  PartitionFold& fold;
  StateStore& store;  // the fold's
};

struct KeyRepair {
  ComputedRows rows;          // all that published tables are to have of the key
  std::size_t corrected = 0;  // rows and timers of the state
};

// Folds the key alone up to the fold's position, by the postings, into `alone`, which is empty.
// Changes nothing of the state. False: by these rules other records of the key wait in quarantine
// than in the state, or other ids have counted, so that it must not be corrected: what is released
// later, or comes again, would be folded on rows that have it already. Throws what reading throws,
// and Corrupt where index and log contradict each other.
[[nodiscard]] bool fold_alone(const RepairedState& state, const std::string& key,
                              const Postings& postings, const ReadRecord& read, KeyStore& alone);

// Makes the fold's rows and timers of the key equal to those of `alone`: changes that its next
// write has. Rows that wait in quarantine stay. Throws what the store throws; then the fold must be
// dropped.
[[nodiscard]] KeyRepair correct_key(const RepairedState& state, const std::string& key,
                                    KeyStore& alone);

}  // namespace sluice
