#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/fold/partition_fold.h"
#include "storage/memory/memory_state.h"

namespace sluice {

// One partition of a domain by hand: its log, its fold, and what its quarantine shows.
class FoldedDomain {
 public:
  static constexpr std::chrono::hours kRetention{50};

  explicit FoldedDomain(const Projection& projection, int partitions = 1);

  void append(const std::string& key, const std::string& value);
  // As a service.
  void post(std::string_view key, const google::protobuf::Message& fact);
  void post_control(std::string_view key, const Control& control);
  void tick();
  // Until the next record is appended.
  void pass(std::chrono::milliseconds time) { passed_ += time; }

  // Folds what the log has and returns what was emitted meanwhile.
  std::vector<DerivedRecord> fold();
  // From offset 0 into a fresh store.
  void refold();

  // As a flush leaves sluice.quarantine.
  [[nodiscard]] std::map<Offset, QuarantinedRecord> quarantine();
  // Every byte that the tables hold.
  [[nodiscard]] std::string tables();
  [[nodiscard]] const std::vector<Rejection>& rejections() { return fold_->outcomes().rejections; }

 private:
  struct Appended {
    Time at;
    std::string key;
    std::string value;
  };

  void begin();

  const Projection projection_;
  const Generation generation_;
  std::unique_ptr<MemoryState> state_;
  std::unique_ptr<MemoryStateStore> store_;
  std::unique_ptr<PartitionFold> fold_;
  std::vector<Appended> log_;
  std::chrono::milliseconds passed_{0};
  std::size_t folded_ = 0;
};

}  // namespace sluice
