#pragma once

// A domain by hand, of one partition in memory: the only one that is folded, if not the only one
// that its log has.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/run/projector.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/simulation/emits_from.h"

namespace sluice {

inline constexpr Partition kOnly{0};
inline constexpr std::chrono::milliseconds kHorizon{1000};
inline constexpr std::chrono::milliseconds kRetention{5000};

// Its view, its state, and a projector that is made again by restart().
class Side {
 public:
  Side(MemoryLog& log, const Projection& projection, bool live = true, Offset emits_from = {},
       int partitions = 1);

  // As after kill -9: memory is lost.
  void restart();
  // Another release of the program goes on.
  void run(const Projection& projection);
  void fold();
  void flush();

  Envelope post(const google::protobuf::Message& event, const std::string& key,
                const std::string& id);
  void append(const Envelope& envelope);
  void append_bytes(const std::string& key, const std::string& bytes);
  std::vector<Envelope> log();

  template <class Row>
  std::vector<Row> rows() {
    std::vector<Row> all;
    views.for_each_row<Row>([&](const Row& row) { all.push_back(row); });
    return all;
  }

 private:
  MemoryLog& log_;
  const std::string stream_;
  Projection projection_;
  const Generation generation_;
  const Offset emits_from_;
  const std::unique_ptr<EventWriter> writer_;

 public:
  bool flushes_when_full = false;  // as a worker does
  std::uint64_t folds = 0;         // of records, each time
  Time now{std::chrono::milliseconds{1'700'000'000'000}};
  ProjectorLimits limits;
  RowMemory ample = ample_memory();
  RowMemory* memory = &ample;  // another, where it is shared
  MemoryViews leader;          // followed where the side is not live
  MemoryViews views;
  MemorySink sink;
  MemoryState state;
  Probe probe;
  std::optional<Projector> projector;

 private:
  Projector& running();
  [[nodiscard]] LogRecord record_at(Offset offset);
  bool fold_once();

  EmitsFrom from_{sink, emits_from_};
  Emitter emitter_;
  std::optional<MemoryStateStore> store_;
  Offset position_;
  int takings_ = 0;
};

}  // namespace sluice
