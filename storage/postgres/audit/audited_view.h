#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "storage/audited_view.h"
#include "storage/postgres/audit/audit_session.h"

namespace sluice {

// By the contract of AuditedView. Rows that it gives borrow the session, too.
class PostgresAuditedView final : public AuditedView {
 public:
  // The session outlives this.
  PostgresAuditedView(AuditSession& session, std::string projection, int generation)
      : session_(session), projection_(std::move(projection)), generation_(generation) {}

  [[nodiscard]] std::optional<ViewPosition> begin(Partition partition) override;
  void end() noexcept override;
  [[nodiscard]] std::unique_ptr<AuditedRows> rows_of(const google::protobuf::Descriptor& row,
                                                     const std::vector<std::string>& keys) override;
  [[nodiscard]] std::unique_ptr<AuditedRows> rows_between(
      const google::protobuf::Descriptor& row, const std::string& key,
      const google::protobuf::Message* after, const google::protobuf::Message* upto) override;
  [[nodiscard]] RowOwners owners(const google::protobuf::Descriptor& row, const std::string& from,
                                 std::size_t limit) override;

 private:
  [[nodiscard]] AuditSession::Use in_snapshot();
  [[nodiscard]] std::string table_of(const google::protobuf::Descriptor& row) const;

  AuditSession& session_;
  const std::string projection_;
  const int generation_;
  std::optional<std::chrono::steady_clock::time_point> began_;  // the snapshot; nullopt: none is
};

}  // namespace sluice
