#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/copy_text.h"
#include "storage/projection_sink.h"

namespace sluice {

struct PostgresSinkConfig {
  std::string url;
  std::string projection;
  int generation = 1;
  std::vector<const google::protobuf::Descriptor*> published;
  // As pg_stat_activity shows the session, by which a PostgresMonitor finds it; empty: as the URL
  // has it.
  std::string session = {};
  // Ends whatever waits for Postgres, which is then Retryable, or in doubt.
  std::stop_token gives_up = {};
};

// One generation's rows and positions in Postgres, over a session of its own, which its
// PostgresBuilder has a part in.
class PostgresSink final : public ProjectionSink {
 public:
  explicit PostgresSink(PostgresSinkConfig config);

  Generation generation() override;
  ViewPosition claim(Partition partition, std::string_view owner) override;
  std::optional<ViewPosition> position(Partition partition) override;
  FlushOutcome flush(const FlushBatch& batch) override;
  std::vector<std::optional<ViewPosition>> show_progress(
      std::span<const LogProgress> progress) override;

 private:
  friend class PostgresBuilder;

  // A transaction that asks whether a generation is live locks sluice.projection before positions,
  // in the order of engine.sql: in the other order it would deadlock with an applier.
  static constexpr const char* kBegin = "BEGIN; LOCK TABLE sluice.projection IN ACCESS SHARE MODE";

  // How a table is written, made once.
  struct Plan {
    std::vector<Column> columns;
    std::string make_temporary;
    std::string copy_upserts;
    std::string upsert;  // of a computed table: takes the keys, $1
    std::string copy_erased;
    std::string erase;  // of a computed table: what the keys, $1, have too much
  };

  // As they are applied, the engine's own last: who locks several at a time does so in this order.
  struct InOrderOfTables {
    bool operator()(const google::protobuf::Descriptor* one,
                    const google::protobuf::Descriptor* other) const;
  };

  // Pieces of SQL about a table, `t`, and rows for it, `e`.
  struct Names {
    std::vector<std::string> all;
    std::vector<std::string> keys;
    std::vector<std::string> values;  // the other columns
    std::string same_key;
    std::string set;
    std::string table;
    std::string upsert;  // temporary tables
    std::string erase;
  };

  // What was refused, or is not any more; borrowed.
  struct Refused {
    Partition partition;
    std::span<const Rejection> rejections;
    std::span<const QuarantinedRecord> quarantined;
    std::span<const Offset> unquarantined;
    std::span<const Offset> aged_out;
    std::span<const Decision> decisions;
  };

  Names names_of(const google::protobuf::Descriptor& row) const;
  Plan plan_of(const google::protobuf::Descriptor& row) const;
  // `stored`: what of the table stands against the rows that come.
  static void plan_whole_keys(const Names& names, const std::string& stored, Plan& plan);
  // Runs `work`. What failed for want of a table or a right is told by require_tables() better than
  // by Postgres.
  template <class Work>
  auto explained(Work work) {
    try {
      return work();
    } catch (const Misconfigured&) {
      connection_.roll_back();
      next_look_ = {};
      require_tables();
      throw;
    }
  }
  void open_session();
  // Also with the temporary tables that a flush fills.
  void prepare_session();
  void write(const FlushBatch& batch);
  void advance(const FlushBatch& batch);
  void write_rows(const RowChanges& changes);
  void write_computed(std::span<const ComputedRows* const> computed);
  void write_due(const FlushBatch& batch);
  void write_repaired(const ComputedRows& of_key);
  void write_refused(const Refused& refused);
  void write_decisions(const Refused& refused);
  void begin_line(Partition partition, Offset position);
  // The flush's last statement, under the lock of the position's row.
  void require_generation(const FlushBatch& batch);
  void require_tables();
  void require_no_strange_rows();
  void require_views(const std::string& names);

  PostgresSinkConfig config_;
  std::string number_;  // of the generation, as text
  PgConnection connection_;
  std::string unique_id_;  // of the generation, once it was asked for
  bool prepared_ = false;  // of the session at hand
  std::chrono::steady_clock::time_point next_look_{};
  std::map<const google::protobuf::Descriptor*, Plan, InOrderOfTables> plans_;
  // Reused from flush to flush.
  template <class Items, class Append>
  void copy(const std::string& sql, const Items& items, Append append);

  std::string lines_;
  std::string scratch_;
};

}  // namespace sluice
