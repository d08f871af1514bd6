#include "storage/base/crash_point.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <string>

#include "storage/base/errors.h"

namespace sluice {
namespace {

struct Fate {
  std::string_view name;  // of kCrashPoints; empty: none
  std::atomic<int> times_left = 1;
};

Fate& fate() {
  static Fate fate;
  return fate;
}

}  // namespace

void crash_point(CrashPoint point) {
  if (fate().name != point.name()) return;
  constexpr int kKilled = 137;
  if (fate().times_left.fetch_sub(1) == 1) ::_exit(kKilled);
}

void arm_crash_point(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  const std::string_view count = text.substr(std::min(name.size() + 1, text.size()));
  const auto known = std::ranges::find(kCrashPoints, name);
  if (known == kCrashPoints.end()) {
    std::string all;
    for (const std::string_view point : kCrashPoints) {
      (all += all.empty() ? "" : ", ") += point;
    }
    throw Misconfigured("SLUICE_CRASH_AT: there is no crash point \"" + std::string(name) +
                        "\"; there are " + all);
  }
  int times = 1;
  const auto read = std::from_chars(count.data(), count.data() + count.size(), times);
  const bool whole = read.ec == std::errc() && read.ptr == count.data() + count.size();
  if (name.size() != text.size() && (!whole || times < 1)) {
    throw Misconfigured("SLUICE_CRASH_AT: a crash point is reached 1, 2, ... times, not \"" +
                        std::string(count) + "\"");
  }
  fate().times_left = times;
  fate().name = *known;
}

}  // namespace sluice
