#pragma once

#include <optional>
#include <vector>

#include "storage/generation_builder.h"
#include "storage/memory/memory_sink.h"

namespace sluice {

// A client of views that are built beside others, with the faults of its sink: it is away when that
// is, and loads lose the answers that are asked of that. One thread.
class MemoryBuilder final : public GenerationBuilder {
 public:
  explicit MemoryBuilder(MemorySink& sink) : sink_(sink), views_(sink.views_) {}

  std::map<Partition, Offset> live_positions() override;
  [[nodiscard]] bool hurries() const override { return hurries_; }
  void note(const BulkNote& note) override;
  FlushOutcome load(const LoadBatch& batch) override;
  BuildPhase advance() override;
  void note_ready(std::int64_t records) override;

 private:
  MemorySink& sink_;
  MemoryViews& views_;
  bool hurries_ = false;
};

}  // namespace sluice
