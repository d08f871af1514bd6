#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "ingest/http/raw_client.h"
#include "storage/event_log.h"
#include "storage/memory/memory_log.h"

namespace sluice::testing {

// The log's own writer, which can be made to wait.
class HeldWriter final : public EventWriter {
 public:
  explicit HeldWriter(std::unique_ptr<EventWriter> writer) : writer_(std::move(writer)) {}

  std::size_t largest_record(std::string_view stream) override {
    return writer_->largest_record(stream);
  }
  void write(std::string_view stream, std::span<NewRecord> records, Gaps) override {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    writer_->try_append(stream, records);
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
    arrived_ = 0;
  }
  void wait_for_append() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, http::Client::kPatience, [this] { return arrived_ > 0; }));
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

 private:
  std::unique_ptr<EventWriter> writer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int arrived_ = 0;
};

// For tests that hold their writer; it has the stream of ServedIngest.
inline MemoryLog& log_of_its_own() {
  static MemoryLog log([] { return Time{}; });
  log.create("deliberation.events", 4);
  return log;
}

}  // namespace sluice::testing
