#pragma once

// What only a process that projects knows of itself: for its row of sluice.process, and for
// /metrics.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/json_writer.h"
#include "storage/base/mutex.h"
#include "storage/base/steadied_clock.h"
#include "storage/postgres/postgres_vitals.h"
#include "tools/sluice/node/fold_pace.h"
#include "tools/sluice/node/kafka_vitals.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/metric_families.h"
#include "tools/sluice/node/recent_counts.h"
#include "tools/sluice/node/workers.h"

namespace sluice {

// Which program it is: of every process, at any time.
void add_build_info(MetricFamilies& families);

struct VitalsConfig {
  std::uint64_t memory = 0;  // the number of the process
  // What HTTP holds of it.
  std::function<std::uint64_t()> http_bytes = [] { return std::uint64_t{0}; };
  std::filesystem::path data = {};                 // the data folder
  std::string folder = {};                         // DataFolder::instance() of it
  std::string command = {};                        // of the program: "up", "project"
  std::string brokers = {};                        // of the log; empty: it is embedded
  std::map<std::string, std::int64_t> rules = {};  // the version of each projection's rules
  // Why a generation of these is not made or not shown, by projection.
  std::function<std::map<std::string, std::string>()> waits = [] {
    return std::map<std::string, std::string>();
  };
  // Why snapshots are not made; empty: they are, or none are wanted.
  std::function<std::string()> snapshots = [] { return std::string(); };
  // Of the other domains those whose streams have no records.
  std::function<std::vector<std::string>()> empty_streams = [] {
    return std::vector<std::string>();
  };
};

class Vitals {
 public:
  // Both outlive this.
  Vitals(VitalsConfig config, const Workers& workers, Log& log);

  // How the server was, after how long an answer; nullopt: it did not answer. Any thread.
  void heard_of_postgres(const std::optional<PostgresVitals>& vitals,
                         std::chrono::steady_clock::duration took);

  // For the row:
  // {"memory","partitions","paces","unsettled","rocksdb","kafka","postgres","log","disk",
  // "clock","folder","command","brokers","rules","waits","snapshots","empty"}. Rates are those
  // since it was asked for last: one thread.
  [[nodiscard]] std::string json();

  // All that is to be seen of the process beside its HTTP. Any thread.
  void add_metrics(MetricFamilies& families);

 private:
  using Clock = std::chrono::steady_clock;
  struct Memory {
    std::uint64_t number = 0;
    std::uint64_t resident = 0;
    std::map<std::string, std::uint64_t> parts;  // what is held of each, by its name
  };
  struct Postgres {
    bool answers = false;
    double answer_seconds = 0;
    std::optional<PostgresVitals> vitals;  // as last heard
  };

  [[nodiscard]] Memory memory() const;
  [[nodiscard]] std::optional<KafkaVitals> kafka();
  [[nodiscard]] std::optional<Postgres> postgres() const;
  [[nodiscard]] std::string partitions_json();
  // How fast each generation is folded here.
  void write_paces(JsonWriter& json, Clock::time_point now);
  void write_machine(JsonWriter& json);

  const VitalsConfig config_;
  const Workers& workers_;
  Log& log_;
  std::map<std::string, std::uint64_t> records_;  // by "deliberation:3", when last asked
  Clock::time_point asked_ = Clock::now();
  RecentCounts recent_;
  std::map<std::pair<std::string, int>, FoldPace> paces_;  // by projection and generation
  SteadiedClock clock_;
  mutable Mutex mutex_;
  KafkaTotals kafka_ SLUICE_GUARDED_BY(mutex_);
  std::optional<Postgres> postgres_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
