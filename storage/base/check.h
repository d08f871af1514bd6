#pragma once

// Broken invariants. What is being folded is told with them, and who is to answer: the engine,
// whose failed CHECK ends the process, or a domain's rules, whose failed CHECK is thrown.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

// A CHECK that failed while rules ran: the caller of the rules catches it like all that they throw.
class BrokenRule : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// What this thread is at. Two plain stores a record, and two a call of rules.
struct FoldedHere {
  const char* projection = nullptr;  // null: no record is folded
  std::size_t projection_size = 0;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  bool rules_run = false;
};
[[nodiscard]] inline FoldedHere& folded_here() {
  constinit static thread_local FoldedHere here;
  return here;
}

// As long as it lives the thread folds the record at this offset. The name must outlive it.
class RecordScope {
 public:
  RecordScope(std::string_view projection, std::int32_t partition, std::int64_t offset)
      : before_(folded_here()) {
    folded_here() = {projection.data(), projection.size(), partition, offset, false};
  }
  ~RecordScope() { folded_here() = before_; }
  RecordScope(const RecordScope&) = delete;
  RecordScope& operator=(const RecordScope&) = delete;

 private:
  const FoldedHere before_;
};

// As long as it lives a domain's rules run on this thread, whose CHECKs, and those of the engine
// that a wrong call of theirs trips, throw BrokenRule.
class RulesScope {
 public:
  RulesScope() : before_(std::exchange(folded_here().rules_run, true)) {}
  ~RulesScope() { folded_here().rules_run = before_; }
  RulesScope(const RulesScope&) = delete;
  RulesScope& operator=(const RulesScope&) = delete;

 private:
  const bool before_;
};

// Throws BrokenRule inside a RulesScope; else says what failed at which record, and aborts.
[[noreturn]] inline void check_failed(const char* condition, const char* why, const char* file,
                                      int line) {
  std::string text = "CHECK failed: " + std::string(condition) + " (" + why + ") at " + file + ":" +
                     std::to_string(line);
  const FoldedHere& here = folded_here();
  if (here.rules_run) throw BrokenRule(text);
  if (here.projection != nullptr) {
    text += ", while folding " + std::string(here.projection, here.projection_size) +
            " partition " + std::to_string(here.partition) + " offset " +
            std::to_string(here.offset);
  }
  std::fprintf(stderr, "%s\n", text.c_str());
  std::abort();
}

}  // namespace sluice

// A broken invariant ends the process in every build: going on would turn one bug into wrong rows.
// `why` says why the condition holds. Never for input. Included by .cc files only: Catch2 has a
// CHECK of its own.
#define CHECK(condition, why)                                                      \
  do {                                                                             \
    if (!(condition)) ::sluice::check_failed(#condition, why, __FILE__, __LINE__); \
  } while (false)
