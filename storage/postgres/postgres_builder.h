#pragma once

#include <map>
#include <string>

#include "storage/generation_builder.h"
#include "storage/postgres/postgres_sink.h"

namespace sluice {

// Builds the generation of a sink, over its session. Keys and indexes are made by
// SECURITY DEFINER functions: the session's user may be one that only writes rows.
class PostgresBuilder final : public GenerationBuilder {
 public:
  // The sink outlives this, and is used by the same thread.
  explicit PostgresBuilder(PostgresSink& sink) : sink_(sink) {}

  std::map<Partition, Offset> live_positions() override;
  [[nodiscard]] bool hurries() const override { return hurries_; }
  void note(const BulkNote& note) override;
  FlushOutcome load(const LoadBatch& batch) override;
  BuildPhase advance() override;
  void note_ready(std::int64_t records) override;

 private:
  void begin_load(const LoadBatch& batch);
  void copy(const TableSource& table, double share);
  void copy_due(const LoadBatch& batch);
  [[nodiscard]] BuildPhase phase_of(const PgResult& answer) const;

  PostgresSink& sink_;
  bool hurries_ = false;
};

}  // namespace sluice
