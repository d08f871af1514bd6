#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/base/position.h"

namespace sluice::testing {

// What readers see of one generation of projection "shapes", however it is kept. Each list is in
// order.
class SeenView {
 public:
  virtual ~SeenView() = default;

  // Of OnlyKey's rows.
  [[nodiscard]] virtual std::vector<std::string> ids() const = 0;
  // Keys whose computed rows are behind.
  [[nodiscard]] virtual std::vector<std::string> due(Partition partition) const = 0;

  // Positions.
  [[nodiscard]] virtual std::vector<std::int64_t> rejected(Partition partition) const = 0;
  [[nodiscard]] virtual std::vector<std::int64_t> quarantined(Partition partition) const = 0;
  // Of those in quarantine: beyond what is shown with bytes; and those that have none.
  [[nodiscard]] virtual std::vector<std::int64_t> beyond_limit(Partition partition) const = 0;
  [[nodiscard]] virtual std::vector<std::int64_t> aged_out(Partition partition) const = 0;
  // "position kind offset who why", in the order of positions; the offset is "-" where there is
  // none.
  [[nodiscard]] virtual std::vector<std::string> decisions(Partition partition) const = 0;
};

}  // namespace sluice::testing
