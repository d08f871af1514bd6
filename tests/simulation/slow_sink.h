#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/memory/memory_sink.h"
#include "storage/projection_sink.h"

namespace sluice::testing {

// A sink whose flushes may take as long as a test likes.
class SlowSink final : public ProjectionSink {
 public:
  explicit SlowSink(MemoryViews& views) : memory(views) {}
  Generation generation() override { return memory.generation(); }
  ViewPosition claim(Partition partition, std::string_view owner) override {
    return memory.claim(partition, owner);
  }
  std::optional<ViewPosition> position(Partition partition) override {
    return memory.position(partition);
  }
  FlushOutcome flush(const FlushBatch& batch) override {
    if (const auto wait = std::exchange(while_flushing, nullptr)) wait();
    return memory.flush(batch);
  }
  std::vector<std::optional<ViewPosition>> show_progress(
      std::span<const LogProgress> progress) override {
    return memory.show_progress(progress);
  }

  MemorySink memory;
  std::function<void()> while_flushing;
};

}  // namespace sluice::testing
