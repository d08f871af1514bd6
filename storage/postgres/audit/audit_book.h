#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/audited_view.h"
#include "storage/postgres/audit/audit_session.h"

namespace sluice {

// sluice.audit and sluice.audit_difference, of one generation; by the contract of AuditBook.
class PostgresAuditBook final : public AuditBook {
 public:
  // The session outlives this.
  PostgresAuditBook(AuditSession& session, std::string projection, int generation)
      : session_(session),
        projection_(std::move(projection)),
        generation_(std::to_string(generation)) {}

  [[nodiscard]] AuditStanding standing(Partition partition) override;
  void note(Partition partition, const AuditStanding& standing, Note note) override;
  void retain(Partition partition, const std::string& key,
              std::span<const RowFault> faults) override;
  void add(Partition partition, std::span<const RowFault> faults) override;
  [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> differing(
      Partition partition) override;

 private:
  AuditSession& session_;
  const std::string projection_;
  const std::string generation_;
};

}  // namespace sluice
