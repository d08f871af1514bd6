#pragma once

// For tests of the watch: a log of one stream in memory, views that stand on it, and what may
// happen to it meanwhile.

#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <string>

#include "storage/memory/memory_log.h"
#include "tools/sluice/node/log_check.h"

namespace sluice {

inline const std::string kStream = "lockers.events";
constexpr Partition kFirst{0};

// A log of one stream, and where views of it stand.
struct Standing {
  Standing() {
    log.create(kStream, 2);
    append(3);
    stand.partitions = 2;
    stand.positions[kFirst] = {};
    stand.positions[kFirst].position = Offset{3};
    stand.positions[kFirst].log = log.identity(kStream, kFirst);
    stand.log = log.name();
  }
  void append(int records) {
    for (int i = 0; i < records; ++i) {
      const std::string value = "record " + std::to_string(++appended_);
      NewRecord record{kFirst, "k", value};
      log.writer()->append(kStream, {&record, 1});
    }
  }
  [[nodiscard]] std::optional<LogMismatch::Kind> found() {
    const auto wrong = mismatch("lockers", stand, look_at(log, kStream));
    if (!wrong) return std::nullopt;
    INFO(wrong->text);
    CHECK_THAT(wrong->text, Catch::Contains("docs/start_checks.md"));
    return wrong->kind;
  }

  MemoryLog log{[] { return Time{std::chrono::seconds(1)}; }};
  ViewStand stand;

 private:
  int appended_ = 0;
};

// A log that something else happens to as soon as it has said what a partition holds.
class Overtaken final : public LogTopology {
 public:
  explicit Overtaken(MemoryLog& log) : log_(log) {}
  std::optional<int> partitions(std::string_view stream) override {
    return log_.partitions(stream);
  }
  void create(std::string_view stream, int partitions) override { log_.create(stream, partitions); }
  LogRange range(std::string_view stream, Partition partition) override {
    const LogRange range = log_.range(stream, partition);
    then(partition);
    return range;
  }
  std::string name() override { return log_.name(); }
  std::optional<LogIdentity> identity(std::string_view stream, Partition partition) override {
    return log_.identity(stream, partition);
  }

  std::function<void(Partition)> then = [](Partition) {};

 private:
  MemoryLog& log_;
};

}  // namespace sluice
