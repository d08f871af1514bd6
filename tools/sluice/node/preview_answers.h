#pragma once

// What a decision on quarantine would change, as the owner of the partition can say, which alone
// reads the embedded log and knows which records concern a key.

#include <string>

#include "tools/sluice/node/log.h"
#include "tools/sluice/node/requests.h"

namespace sluice {

// `quarantine.preview`, {"verdict", "key", "offset", "event"}: {"differences"}, as preview_of() has
// it. `log` must outlive the RequestThread that is given the kinds.
void add_preview_kind(OwnerKinds& kinds, std::string postgres, Log& log);

}  // namespace sluice
