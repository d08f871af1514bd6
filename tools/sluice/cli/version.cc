#include "tools/sluice/cli/version.h"

namespace sluice {

std::string_view program_version() { return SLUICE_VERSION; }

}  // namespace sluice
