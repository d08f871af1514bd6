#include "storage/kafka/log_lines.h"

#include <spdlog/spdlog.h>

#include <string_view>

namespace sluice::kafka {

void LogLines::take(int syslog_level, const char* kind, const char* text) {
  constexpr auto kBetween = std::chrono::seconds(10);
  constexpr int kWarning = 4;
  // A consumer's property given to a producer, as a pass-through for both does; a producer that
  // ends with records unsent, as it does after a failed append.
  const std::string_view name(kind);
  const bool ours = name == "CONFWARN" || name == "TERMINATE";
  if (syslog_level > kWarning || ours) {
    spdlog::debug("kafka client={} kind={} text=\"{}\"", client_, kind, text);
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  int withheld = 0;
  {
    const MutexLock lock(mutex_);
    const auto [line, first] = shown_.try_emplace(kind);
    if (!first && now - line->second.at < kBetween) {
      ++line->second.withheld;
      return;
    }
    withheld = line->second.withheld;
    line->second = {now, 0};
  }
  // Never an error of ours: the client goes on by itself, and what needs a person is thrown.
  spdlog::warn("kafka client={} kind={} withheld={} text=\"{}\"", client_, kind, withheld, text);
}

}  // namespace sluice::kafka
