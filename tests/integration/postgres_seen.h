#pragma once

#include <string>

#include "tests/contract/seen_view.h"

namespace sluice::testing {

// Asks over a session of its own each time.
class PostgresSeen final : public SeenView {
 public:
  PostgresSeen(std::string url, int generation);

  [[nodiscard]] std::vector<std::string> ids() const override;
  [[nodiscard]] std::vector<std::string> due(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> rejected(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> quarantined(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> beyond_limit(Partition partition) const override;
  [[nodiscard]] std::vector<std::int64_t> aged_out(Partition partition) const override;
  [[nodiscard]] std::vector<std::string> decisions(Partition partition) const override;

 private:
  // The first column.
  [[nodiscard]] std::vector<std::string> texts(const std::string& sql) const;
  [[nodiscard]] std::vector<std::int64_t> positions(const std::string& table,
                                                    Partition partition) const;
  // A condition on rows of the generation's partition.
  [[nodiscard]] std::string of(Partition partition) const;

  const std::string url_;
  const std::string generation_;
};

}  // namespace sluice::testing
