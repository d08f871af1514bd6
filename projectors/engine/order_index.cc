#include "projectors/engine/order_index.h"

#include "storage/base/check.h"

namespace sluice {

void check_entered(bool entered) { CHECK(entered, "rows of a group have different places"); }

void check_left(bool left) { CHECK(left, "a row leaves the place that it had when it came"); }

}  // namespace sluice
