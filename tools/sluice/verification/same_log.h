#pragma once

#include <string>

#include "tools/sluice/node/log.h"

namespace sluice {

// A view of another log would be waited for in vain, or differ in rows that nobody changed. Reads
// the view before the log, which only grows. Misconfigured: it is another; Corrupt: it lost its
// tail. What loses records of the topic's settings is said on stderr, by `command`.
void require_same_log(const std::string& postgres, const std::string& domain, Log& log,
                      const char* command);

}  // namespace sluice
