#pragma once

#include "storage/base/errors.h"

namespace sluice {

// Bytes of a partition's state are not what any write left there: a disk, or a hand, has changed
// them. Thrown where state is read; the partition's worker adds the folder and what to do.
class DamagedState : public Corrupt {
 public:
  using Corrupt::Corrupt;
};

}  // namespace sluice
