#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory/memory_views.h"
#include "storage/projection_sink.h"

namespace sluice {

// What became of a commit whose answer is lost.
enum class LostAnswer {
  committed,
  not_committed,
  delayed,  // still running: finish_delayed() lets it come to its end, whatever that is then
};

// A client of the views, with the faults that a database can have on demand. One thread.
class MemorySink final : public ProjectionSink {
 public:
  explicit MemorySink(MemoryViews& views) : views_(views) {}

  Generation generation() override;
  ViewPosition claim(Partition partition, std::string_view owner) override;
  std::optional<ViewPosition> position(Partition partition) override;
  FlushOutcome flush(const FlushBatch& batch) override;
  std::vector<std::optional<ViewPosition>> show_progress(
      std::span<const LogProgress> progress) override;

  // Faults.

  // The next flush throws Retryable and changes nothing.
  void fail_next_flush() { failing_flush_ = true; }
  void lose_next_answer(LostAnswer how) { lost_answer_ = how; }
  void finish_delayed();
  // It ends with the server that it was sent to.
  void drop_delayed() {
    delayed_.reset();
    delayed_load_.reset();
  }
  // While away, everything throws Retryable.
  void set_away(bool away) { away_ = away; }
  [[nodiscard]] bool away() const { return away_; }
  // What rows are published to is not there; "": it is.
  void set_unprepared(std::string why) { unprepared_ = std::move(why); }

 private:
  friend class MemoryBuilder;
  // A flush with bytes of its own.
  struct Transaction {
    FlushBatch batch;
    std::string owner;
    struct Rows {
      std::string table;
      std::vector<std::pair<std::string, std::shared_ptr<const google::protobuf::Message>>> changes;
    };
    std::vector<Rows> rows;  // a null row is erased
    std::vector<Rejection> rejections;
    std::vector<QuarantinedRecord> quarantined;
    std::vector<Offset> unquarantined;
    std::vector<Offset> aged_out;
    struct Computed {
      std::string table;
      std::string key;
      std::vector<std::pair<std::string, std::shared_ptr<const google::protobuf::Message>>> rows;
    };
    std::vector<Computed> computed;
    std::vector<Computed> repaired;
    std::vector<std::string> became_due;
    std::vector<std::string> caught_up;
    std::vector<Decision> decisions;
  };

  struct Load {
    Partition partition;
    std::string owner;
    Offset to;
    Digest digest;
    std::optional<LogIdentity> log;
    Time record_time;
    Offset log_end;
    std::vector<Transaction::Rows> rows;
    std::set<std::string> due;
  };

  static Transaction begin(const FlushBatch& batch);
  // False when the position is not where the transaction expects it: it changes nothing.
  bool commit(const Transaction& transaction);
  bool commit(const Load& load);
  void change(const Transaction::Rows& rows);
  void publish(const Transaction::Computed& computed);
  void repair(const Transaction::Computed& repaired);
  void require_present() const;

  MemoryViews& views_;
  bool failing_flush_ = false;
  bool away_ = false;
  std::string unprepared_;
  std::optional<LostAnswer> lost_answer_;
  std::optional<Transaction> delayed_;
  std::optional<Load> delayed_load_;
};

}  // namespace sluice
