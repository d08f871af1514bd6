#pragma once

#include <cstdio>
#include <cstdlib>

namespace sluice {

[[noreturn]] inline void check_failed(const char* condition, const char* why, const char* file,
                                      int line) {
  std::fprintf(stderr, "CHECK failed: %s (%s) at %s:%d\n", condition, why, file, line);
  std::abort();
}

}  // namespace sluice

// A broken invariant aborts in every build: going on would turn one bug into wrong rows.
// `why` says why the condition holds. Never for input. Included by .cc files only: Catch2 has a
// CHECK of its own.
#define CHECK(condition, why)                                                      \
  do {                                                                             \
    if (!(condition)) ::sluice::check_failed(#condition, why, __FILE__, __LINE__); \
  } while (false)
