#pragma once

#include <string_view>

namespace sluice {

// Ends the process at once, with status 137 as kill -9 would, when SLUICE_CRASH_AT names this point:
// for tests of what survives. Otherwise one comparison. SLUICE_CRASH_AT=name:3 dies the third time.
void crash_point(std::string_view name);

}  // namespace sluice
