#include "projectors/engine/order_index.h"

#include <string>

#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice {
namespace {

// While rules run it is theirs to answer for; else the rows come from the state as they are.
void require(bool holds, const char* what) {
  if (!holds && !folded_here().rules_run) throw DamagedState(std::string("orders: ") + what);
  CHECK(holds, what);
}

}  // namespace

void check_entered(bool entered) { require(entered, "rows of a group have different places"); }

void check_left(bool left) { require(left, "a row leaves the place that it had when it came"); }

}  // namespace sluice
