#pragma once

#include <string>
#include <vector>

#include "schemas/descriptors/domain.h"

namespace sluice {

// The domains of these names, all that were built in when there are none. Misconfigured when there
// is no such domain.
[[nodiscard]] std::vector<Domain> choose_domains(const std::vector<std::string>& names);

}  // namespace sluice
