#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "projectors/engine/fold/recorded_times.h"
#include "storage/base/position.h"
#include "storage/refusals.h"

namespace sluice {

// What folding brought about besides changed rows, since it was last cleared.
struct Outcomes {
  std::vector<Rejection> rejections;
  std::vector<QuarantinedRecord> quarantined;
  std::vector<Offset> unquarantined;
  std::vector<Offset> aged_out;  // of those in quarantine
  std::vector<Decision> decisions;
  std::size_t bytes = 0;  // about
  std::uint64_t folded = 0;
  std::uint64_t duplicates = 0;
  RecordedTimes recorded;  // of those folded

  void clear();
};

}  // namespace sluice
