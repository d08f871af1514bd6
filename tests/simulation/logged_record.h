#pragma once

#include <cstdint>
#include <string>

namespace sluice::simulation {

// A record of one partition's log, as an account of it keeps it. Times in milliseconds.
struct LoggedRecord {
  std::int64_t offset = 0;
  std::int64_t appended_at = 0;
  std::string key;
  std::string value;
  bool stamped_by_log = true;
};

}  // namespace sluice::simulation
