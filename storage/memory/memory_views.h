#pragma once

#include <google/protobuf/message.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/generation_builder.h"
#include "storage/generation_roles.h"
#include "storage/memory/memory_hold.h"
#include "storage/projection_sink.h"

namespace sluice {

// What a MemorySink publishes to, as a value: it outlives the sinks as a database outlives its
// clients, and a copy is a backup.
class MemoryViews {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  // The database's clock, by which an owner is silent.
  explicit MemoryViews(Generation generation, Clock clock = std::chrono::steady_clock::now)
      : generation_(std::move(generation)), clock_(std::move(clock)) {}

  [[nodiscard]] const Generation& generation() const { return generation_; }
  // As if never taken when it was not.
  [[nodiscard]] ViewPosition position(Partition partition) const;
  [[nodiscard]] Offset log_end(Partition partition) const;
  [[nodiscard]] std::string trouble(Partition partition) const;
  // How long the log has had the oldest record that the view lacks, as far as its owner knew; 0:
  // none. Grows while nobody speaks. nullopt: the partition was never taken.
  [[nodiscard]] std::optional<std::chrono::milliseconds> freshness(Partition partition) const;
  // Of a process that wants the partition and has it not; "" when there is none.
  [[nodiscard]] std::string contender(Partition partition) const;
  [[nodiscard]] std::optional<ComputedProgress> computed(Partition partition) const;
  // Keys whose computed rows are behind, as of the position.
  [[nodiscard]] std::set<std::string> due(Partition partition) const;
  [[nodiscard]] std::vector<Rejection> rejections(Partition partition) const;
  [[nodiscard]] std::vector<QuarantinedRecord> quarantined(Partition partition) const;
  [[nodiscard]] std::vector<Decision> decisions(Partition partition) const;

  // Nobody sees these: they show what `live` shows, which outlives them.
  void follow(const MemoryViews& live) { live_ = &live; }
  // The same, and they are folded in bulk first.
  void build_beside(const MemoryViews& live);
  // By partition that the live generation ever took.
  [[nodiscard]] std::map<Partition, Offset> live_positions() const;
  [[nodiscard]] BuildPhase advance() const;
  // Somebody who would have readers see these waits for their computed rows, for so long.
  void hurry_for(std::chrono::milliseconds how_long) { hurries_until_ = clock_() + how_long; }
  [[nodiscard]] bool hurries() const { return hurries_until_ && clock_() < *hurries_until_; }
  [[nodiscard]] const GenerationRole& role() const { return role_now_; }
  [[nodiscard]] GenerationStatus status() const { return role_now_.status; }
  void promote_itself() { role_now_.promotes_itself = true; }
  void retire() { role_now_.status = GenerationStatus::retired; }
  // Whether somebody is at it: no generation is made and none retired meanwhile.
  [[nodiscard]] bool swapped() const { return role_.held(); }
  // The mark without which no snapshot sees it; 0: every one does.
  [[nodiscard]] std::int64_t mark() const { return mark_; }

  // Who took each partition and who moved its position, in that order: a move is its owner's who
  // took last, or somebody was not fenced.
  struct FlushRecord {
    Partition partition;
    bool took;  // else moved
    std::string owner;
  };
  [[nodiscard]] const std::vector<FlushRecord>& flushes() const { return flushes_; }

  // As somebody who writes with a session of their own: the row is there, or is not.
  void put(const google::protobuf::Message& row);
  void take(const google::protobuf::Message& row);

  // Calls visit(const Row&) for each row of the type, in no order that means anything.
  template <class Row, class Visit>
  void for_each_row(Visit visit) const {
    const auto table = rows_.find(Row::descriptor()->full_name());
    if (table == rows_.end()) return;
    for (const auto& [key, row] : table->second) visit(static_cast<const Row&>(*row));
  }
  // Calls visit(const Message&) for each row of every table.
  template <class Visit>
  void for_each_published(Visit visit) const {
    for (const auto& [name, table] : rows_) {
      for (const auto& [key, row] : table) visit(*row);
    }
  }

 private:
  friend class MemorySink;
  friend class MemoryAuditedView;
  friend class MemoryBuilder;
  friend class MemoryComparison;
  friend class MemorySwap;
  friend class MemoryViewMonitor;
  struct Taken {
    ViewPosition view;
    std::chrono::steady_clock::time_point heard;  // of the owner
    bool left = false;                            // the owner has let go
    Offset log_end;
    std::string trouble;
    std::optional<ComputedProgress> computed;
    std::set<std::string> due;
    // When the log got the oldest record that the view lacks, by the view's clock.
    std::optional<std::chrono::steady_clock::time_point> oldest;
    Time record_time;
    std::map<Offset, Rejection> rejections;
    std::map<Offset, QuarantinedRecord> quarantined;
    std::map<Offset, Decision> decisions;

    void refuse(std::span<const Rejection> rejected, std::span<const QuarantinedRecord> quarantine,
                std::span<const Offset> aged_out, std::span<const Offset> unquarantined);
    void decide(std::span<const Decision> decided);
  };
  // Rows by their key fields' bytes. Shared by copies: a change puts a new row in place.
  using Row = std::shared_ptr<const google::protobuf::Message>;
  using Rows = std::map<std::string, Row>;

  [[nodiscard]] ViewPosition heard_of(const Taken& taken) const;
  void note_unseen(const LogProgress& said, Taken& taken) const;
  // As ProjectionSink::show_progress() has it.
  std::vector<std::optional<ViewPosition>> hear(std::span<const LogProgress> progress);

  // Retryable where somebody who compares or swaps has the positions.
  void require_unlocked() const;
  [[nodiscard]] bool shows_too_much(Partition partition, Offset to) const;

  Generation generation_;
  Clock clock_;
  const MemoryViews* live_ = nullptr;  // null: these are, or nobody's are
  bool built_in_bulk_ = false;
  GenerationRole role_now_{generation_.number,
                           generation_.live ? GenerationStatus::live : GenerationStatus::building};
  std::optional<std::chrono::steady_clock::time_point> hurries_until_;
  std::int64_t mark_ = 0;
  MemoryLock positions_;  // held: flushes wait
  MemoryLock role_;       // held: no further partition is taken for the first time
  std::map<Partition, std::string> contenders_;
  std::map<Partition, Taken> taken_;
  std::map<std::string, Rows> rows_;  // by the row's full name
  std::vector<FlushRecord> flushes_;
};

}  // namespace sluice
