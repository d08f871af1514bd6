#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/audited_view.h"
#include "storage/memory/memory_views.h"

namespace sluice {

// Views as an audit sees them. A snapshot is a copy, which shares its rows.
class MemoryAuditedView final : public AuditedView {
 public:
  // The views outlive this.
  explicit MemoryAuditedView(const MemoryViews& views) : views_(views) {}

  [[nodiscard]] std::optional<ViewPosition> begin(Partition partition) override;
  void end() noexcept override { snapshot_.reset(); }
  [[nodiscard]] std::unique_ptr<AuditedRows> rows_of(const google::protobuf::Descriptor& row,
                                                     const std::vector<std::string>& keys) override;
  [[nodiscard]] std::unique_ptr<AuditedRows> rows_between(
      const google::protobuf::Descriptor& row, const std::string& key,
      const google::protobuf::Message* after, const google::protobuf::Message* upto) override;
  [[nodiscard]] RowOwners owners(const google::protobuf::Descriptor& row, const std::string& from,
                                 std::size_t limit) override;

 private:
  const MemoryViews& views_;
  std::optional<MemoryViews> snapshot_;
};

// What audits have come to, as a value: it outlives them.
class MemoryAuditBook final : public AuditBook {
 public:
  [[nodiscard]] AuditStanding standing(Partition partition) override {
    return standings_[partition];
  }
  void note(Partition partition, const AuditStanding& standing, Note) override {
    standings_[partition] = standing;
  }
  void retain(Partition partition, const std::string& key,
              std::span<const RowFault> faults) override;
  void add(Partition partition, std::span<const RowFault> faults) override;
  [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> differing(
      Partition partition) override;

  [[nodiscard]] const std::vector<RowFault>& differences(Partition partition) {
    return differences_[partition];
  }

 private:
  std::map<Partition, AuditStanding> standings_;
  std::map<Partition, std::vector<RowFault>> differences_;
};

}  // namespace sluice
