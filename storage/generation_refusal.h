#pragma once

#include <string>

namespace sluice {

// Why a request about generations was not carried out, which may be asked again once the reason is
// gone.
struct GenerationRefusal {
  std::string word;  // for scripts
  std::string reason;
};

}  // namespace sluice
