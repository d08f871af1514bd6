#pragma once

// What an operator wants to know of projectors. Shared by threads; every function may be called by
// any.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice {

class Probe {
 public:
  struct Totals {
    std::uint64_t folded = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t flushes = 0;
    std::uint64_t rows_flushed = 0;
    std::uint64_t retries = 0;
    std::uint64_t fenced = 0;
    std::chrono::nanoseconds flushing{0};
    std::map<std::string, std::uint64_t, std::less<>> rejected;  // by reason
    std::map<std::string, std::string> stopped;                  // why, by "deliberation:3"
  };

  void flushed(std::uint64_t events, std::uint64_t duplicates, std::uint64_t rows) {
    const std::lock_guard lock(mutex_);
    totals_.folded += events;
    totals_.duplicates += duplicates;
    totals_.rows_flushed += rows;
    ++totals_.flushes;
  }
  void flush_took(std::chrono::nanoseconds took) {
    const std::lock_guard lock(mutex_);
    totals_.flushing += took;
  }
  void rejected(std::string_view reason) {
    const std::lock_guard lock(mutex_);
    auto found = totals_.rejected.find(reason);
    if (found == totals_.rejected.end()) found = totals_.rejected.emplace(reason, 0).first;
    ++found->second;
  }
  void quarantined(std::uint64_t records) {
    const std::lock_guard lock(mutex_);
    totals_.quarantined += records;
  }
  void retried() {
    const std::lock_guard lock(mutex_);
    ++totals_.retries;
  }
  void fenced() {
    const std::lock_guard lock(mutex_);
    ++totals_.fenced;
  }

  void stopped(const std::string& partition, const std::string& why) {
    const std::lock_guard lock(mutex_);
    totals_.stopped[partition] = why;
  }
  void running(const std::string& partition) {
    const std::lock_guard lock(mutex_);
    totals_.stopped.erase(partition);
  }

  [[nodiscard]] Totals totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
  }

 private:
  mutable std::mutex mutex_;  // taken a few times a flush, never an event
  Totals totals_;
};

}  // namespace sluice
