#pragma once

// The log that a process was told to use, whatever its technology.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/recent_times.h"
#include "storage/base/steadied_clock.h"
#include "storage/event_log.h"
#include "storage/log_cluster.h"
#include "storage/log_topology.h"
#include "storage/stream_settings.h"
#include "tools/sluice/cli/program.h"

namespace sluice {

// One of the readers that share the partitions of a stream.
struct GroupMember {
  std::string group;     // the projection and its generation
  std::string instance;  // of this process
  int number = 0;        // of the workers of this process
  int workers = 1;
};

// What it makes must not outlive it. Any thread.
class Log {
 public:
  virtual ~Log() = default;
  virtual std::unique_ptr<EventWriter> writer() = 0;
  // One that gives up within seconds, where a partition can stand still while others move; else
  // null.
  virtual std::unique_ptr<EventWriter> quick_writer() = 0;
  virtual std::unique_ptr<EventReader> reader(std::string_view stream, const GroupMember& member,
                                              Ownership& ownership) = 0;
  // Of these partitions, without taking part in a group.
  virtual std::unique_ptr<EventReader> reader(std::string_view stream,
                                              std::vector<Partition> partitions,
                                              Ownership& ownership) = 0;
  virtual std::unique_ptr<LogTopology> topology() = 0;
  // One that answers within seconds, or throws Retryable: for who looks while others wait.
  virtual std::unique_ptr<LogTopology> quick_topology() = 0;
  // As quick; null: the log is on one machine.
  virtual std::unique_ptr<LogCluster> quick_cluster() = 0;
  // Copies it into a folder that does not exist yet, which can take the place of its own.
  // Misconfigured where it is not this process's to copy.
  virtual void back_up(const std::filesystem::path& folder) = 0;
  // null: streams of this log have no settings that could be wrong.
  virtual std::unique_ptr<StreamSettings> settings() = 0;
  // The time to stamp with: where this machine's clock is the log's, bounded by its steady clock.
  virtual Time now() { return SteadiedClock::system_wall(); }
  // Why it takes no records now, of a log on this machine; empty: it does.
  virtual std::string trouble() { return {}; }
  // For people: what of the log wants to be looked at though it works; empty: nothing.
  virtual std::string advice() { return {}; }
  // How long appends lately took until they were durable, where that is this machine's doing;
  // nullopt: it is a broker's.
  virtual std::optional<RecentTimes::Seen> append_times() { return std::nullopt; }
  // Of memory, as far as the log itself knows.
  virtual std::uint64_t used_bytes() { return 0; }
  // What librdkafka tells of its readers, each as JSON; none where the log is not on Kafka.
  virtual std::vector<std::string> kafka_statistics() { return {}; }
};

// The log below this folder; one process owns it.
[[nodiscard]] std::unique_ptr<Log> own_embedded_log(const std::filesystem::path& data,
                                                    std::uint64_t bytes);
// Misconfigured where the folder has none.
void require_embedded_log(const std::filesystem::path& data);
// The same, to read beside its owner.
[[nodiscard]] std::unique_ptr<Log> look_at_embedded_log(const std::filesystem::path& data,
                                                        std::uint64_t bytes);
// `properties` are librdkafka's own, "name=value".
[[nodiscard]] std::unique_ptr<Log> kafka_log(const std::string& brokers,
                                             const std::vector<std::string>& properties,
                                             std::uint64_t bytes);

// The process ends: what reads a log on Kafka is left to its end, since ending one that connects
// again takes all of a processor meanwhile.
void end_readers_with_process();

// How many partitions the stream has. Misconfigured, saying what makes it, when it is not there.
[[nodiscard]] int partitions_of(LogTopology& topology, std::string_view stream);

// For commands that look at a log: either --data or --brokers.
struct LogOptions {
  std::string data;
  std::string brokers;
  std::vector<std::string> kafka;
};
void add_log_options(Command& command, LogOptions& options);
// Only the second, for what is of no use to an embedded log.
void add_broker_options(Command& command, LogOptions& options);
[[nodiscard]] std::unique_ptr<Log> look_at_log(const LogOptions& options,
                                               std::uint64_t bytes = std::uint64_t{32} << 20);

}  // namespace sluice
