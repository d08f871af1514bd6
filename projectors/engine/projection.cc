#include "projectors/engine/projection.h"

#include "storage/check.h"

namespace sluice {

void nobody_fires() { CHECK(false, "a projection that sets timers has a fire()"); }

}  // namespace sluice
