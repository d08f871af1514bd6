#pragma once

#include "storage/memory/memory_views.h"
#include "tests/contract/seen_view.h"

namespace sluice::testing {

// The views must outlive it.
class MemorySeen final : public SeenView {
 public:
  explicit MemorySeen(const MemoryViews& views) : views_(views) {}

  [[nodiscard]] std::vector<std::string> ids() const override;
  [[nodiscard]] std::vector<std::string> due(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> rejected(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> quarantined(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> beyond_limit(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> aged_out(Partition partition) const override;
  [[nodiscard]] std::vector<std::string> decisions(Partition partition) const override;

 private:
  const MemoryViews& views_;
};

}  // namespace sluice::testing
