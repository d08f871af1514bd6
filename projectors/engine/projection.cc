#include "projectors/engine/projection.h"

#include "storage/base/check.h"

namespace sluice {

void nobody_fires() { CHECK(false, "a projection that sets timers has a fire()"); }

}  // namespace sluice
