#pragma once

// What only the owner of a partition can say of a key, or do about it.

#include "tools/sluice/node/log.h"
#include "tools/sluice/node/requests.h"
#include "tools/sluice/node/workers.h"

namespace sluice {

// `key.index`, {"key", "until"}: what the index of keys in the state says of the key, as
// {"position", "digest", "postings", "mark": [offset, time]}; {"index": false} where there is none.
// `key.repair`, {"key"}: appends the control record that has the key repaired; {"token"}.
// `workers` and `log` must outlive the RequestThread that is given the kinds.
void add_key_kinds(OwnerKinds& kinds, Workers& workers, Log& log);

}  // namespace sluice
