#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "storage/generation_swap.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/reader_views.h"
#include "storage/postgres/swap/generation_pair.h"

namespace sluice {

// The steps of a swap in two sessions: one holds what is locked, the other looks, and commits the
// mark.
class PostgresSwap final : public SwapSession {
 public:
  PostgresSwap(const std::string& url, const GenerationPair& pair, SwapKind kind);

  [[nodiscard]] std::optional<Ended> begin() override;
  void lock_live() override;
  PairStand look() override;
  void lock_other() override;
  [[nodiscard]] std::string still_computed() override;
  void hurry(std::chrono::seconds how_long) override;
  void commit_mark() override;
  [[nodiscard]] bool older_snapshots() override;
  void write() override;
  [[nodiscard]] std::optional<Ended> show() override;
  [[nodiscard]] bool commit() override;
  void release() noexcept override;
  [[nodiscard]] std::optional<std::string> not_in_time(const Retryable& failure) const override;

 private:
  struct ComputedTable {
    std::string name;
    std::string key;   // of `o`, what the computations go by
    std::string same;  // whether `o` and `n` are of one key
    std::string old_rows;
    std::string new_rows;
  };

  // Whether the two still are what the pair says; locks their rows. Nothing where they are.
  std::optional<Ended> require_roles();
  void write_roles();
  [[nodiscard]] std::vector<ComputedTable> computed_tables(PgConnection& connection) const;
  // After a commit whose answer was lost.
  [[nodiscard]] bool went_through();
  [[nodiscard]] std::string holder_of_views();
  [[nodiscard]] std::string applier();

  const GenerationPair pair_;
  const SwapKind kind_;
  const std::string live_;  // numbers as text
  const std::string other_;
  PgConnection holding_;
  PgConnection beside_;
  std::string holding_pid_;
  GenerationRoles roles_;  // of all generations, as they are while this swap is under way
  std::string marked_;     // when the mark was
  Shown shown_;
  std::string reads_sql_;
  std::string holder_;  // who was seen in the way last
};

}  // namespace sluice
