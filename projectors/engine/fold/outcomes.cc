#include "projectors/engine/fold/outcomes.h"

namespace sluice {

void Outcomes::clear() {
  rejections.clear();
  quarantined.clear();
  unquarantined.clear();
  aged_out.clear();
  decisions.clear();
  bytes = 0;
  folded = 0;
  duplicates = 0;
  recorded.clear();
}

}  // namespace sluice
