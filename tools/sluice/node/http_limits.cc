#include "tools/sluice/node/http_limits.h"

#include <unistd.h>

#include <fstream>

#include "tools/sluice/node/memory_budget.h"

namespace sluice {

std::uint64_t resident_bytes() {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return statm ? resident * page : 0;
}

http::Limits http_limits(std::uint64_t memory, std::uint64_t share) {
  http::Limits limits;
  limits.memory = http_memory(share, limits.max_body);
  limits.room = [memory](std::size_t more) { return resident_bytes() + more <= memory; };
  return limits;
}

}  // namespace sluice
