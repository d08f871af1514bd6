#pragma once

#include <chrono>
#include <map>
#include <string>

#include "storage/base/mutex.h"

namespace sluice::kafka {

// librdkafka's own log lines, as ours. It knocks at a broker that is away many times a second, so
// of each kind of line one in ten seconds is shown. Called on librdkafka's threads.
class LogLines {
 public:
  explicit LogLines(std::string client) : client_(std::move(client)) {}
  void take(int syslog_level, const char* kind, const char* text);

 private:
  struct Shown {
    std::chrono::steady_clock::time_point at;
    int withheld = 0;
  };

  const std::string client_;
  Mutex mutex_;
  std::map<std::string, Shown, std::less<>> shown_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice::kafka
