#include "tools/sluice/node/log.h"

#include "storage/base/errors.h"
#include "storage/embedded/embedded_log.h"
#include "storage/kafka/client.h"
#include "storage/kafka/kafka_log.h"
#include "tools/sluice/node/data_folder.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kQuickAppend{2};
constexpr std::chrono::seconds kQuickAnswer{2};

// The one topology of the process, handed to each caller as if it were their own.
class SharedTopology final : public LogTopology {
 public:
  explicit SharedTopology(LogTopology& shared) : shared_(shared) {}
  std::optional<int> partitions(std::string_view stream) override {
    return shared_.partitions(stream);
  }
  void create(std::string_view stream, int partitions) override {
    shared_.create(stream, partitions);
  }
  LogRange range(std::string_view stream, Partition partition) override {
    return shared_.range(stream, partition);
  }
  std::string name() override { return shared_.name(); }
  std::optional<LogIdentity> identity(std::string_view stream, Partition partition) override {
    return shared_.identity(stream, partition);
  }

 private:
  LogTopology& shared_;
};

class Embedded final : public Log {
 public:
  explicit Embedded(std::unique_ptr<EmbeddedLog> log) : log_(std::move(log)) {}
  std::unique_ptr<EventWriter> writer() override { return log_->writer(); }
  std::unique_ptr<EventWriter> quick_writer() override { return nullptr; }
  // Nobody joins or leaves: the workers of the one process deal the partitions out.
  std::unique_ptr<EventReader> reader(std::string_view stream, const GroupMember& member,
                                      Ownership& ownership) override {
    const int partitions = partitions_of(*log_, stream);
    std::vector<Partition> mine;
    for (int p = member.number; p < partitions; p += member.workers) mine.push_back(Partition{p});
    return log_->reader(stream, std::move(mine), ownership);
  }
  std::unique_ptr<EventReader> reader(std::string_view stream, std::vector<Partition> partitions,
                                      Ownership& ownership) override {
    return log_->reader(stream, std::move(partitions), ownership);
  }
  std::unique_ptr<LogTopology> topology() override {
    return std::make_unique<SharedTopology>(*log_);
  }
  std::unique_ptr<LogTopology> quick_topology() override { return topology(); }
  std::unique_ptr<LogCluster> quick_cluster() override { return nullptr; }
  void back_up(const std::filesystem::path& folder) override { log_->back_up(folder); }
  std::unique_ptr<StreamSettings> settings() override { return nullptr; }
  Time now() override { return log_->clock().now(); }
  std::string trouble() override { return log_->trouble(); }
  std::string advice() override {
    const std::string clock = log_->clock().advice(), gaps = log_->gaps_advice();
    return clock + (clock.empty() || gaps.empty() ? "" : "\n") + gaps;
  }
  std::optional<RecentTimes::Seen> append_times() override { return log_->append_times(); }
  std::uint64_t used_bytes() override { return log_->used_bytes(); }

 private:
  std::unique_ptr<EmbeddedLog> log_;
};

class Kafka final : public Log {
 public:
  explicit Kafka(KafkaConfig config) : log_(std::move(config)) {}
  std::unique_ptr<EventWriter> writer() override { return log_.writer(); }
  std::unique_ptr<EventWriter> quick_writer() override { return log_.writer(kQuickAppend); }
  std::unique_ptr<EventReader> reader(std::string_view stream, const GroupMember& member,
                                      Ownership& ownership) override {
    const KafkaMember place{member.group, member.instance + "-" + std::to_string(member.number)};
    return log_.reader(stream, place, ownership);
  }
  std::unique_ptr<EventReader> reader(std::string_view stream, std::vector<Partition> partitions,
                                      Ownership& ownership) override {
    return log_.reader(stream, std::move(partitions), ownership);
  }
  std::unique_ptr<LogTopology> topology() override { return log_.topology(); }
  std::unique_ptr<LogTopology> quick_topology() override { return log_.topology(kQuickAnswer); }
  std::unique_ptr<LogCluster> quick_cluster() override { return log_.cluster(kQuickAnswer); }
  void back_up(const std::filesystem::path&) override {
    throw Misconfigured("the log is on Kafka, which keeps it by its own means");
  }
  std::unique_ptr<StreamSettings> settings() override { return log_.settings(); }
  std::vector<std::string> kafka_statistics() override { return log_.statistics(); }

 private:
  KafkaLog log_;
};

constexpr const char* kLogFolder = "log";

std::filesystem::path log_folder(const std::filesystem::path& data) { return data / kLogFolder; }

}  // namespace

std::unique_ptr<Log> own_embedded_log(const std::filesystem::path& data, std::uint64_t bytes) {
  (void)closed_folder(data, kLogFolder);
  return std::make_unique<Embedded>(EmbeddedLog::open(log_folder(data), {.bytes = bytes}));
}

void require_embedded_log(const std::filesystem::path& data) {
  std::error_code unreadable;
  if (std::filesystem::is_directory(log_folder(data), unreadable)) return;
  throw Misconfigured("there is no log in " + data.string() +
                      ": give --data the folder of `sluice up`, or --brokers where that has "
                      "its log on Kafka");
}

std::unique_ptr<Log> look_at_embedded_log(const std::filesystem::path& data, std::uint64_t bytes) {
  require_known_format(data);
  require_embedded_log(data);
  return std::make_unique<Embedded>(
      EmbeddedLog::open_secondary(log_folder(data), {.bytes = bytes}));
}

std::unique_ptr<Log> kafka_log(const std::string& brokers,
                               const std::vector<std::string>& properties, std::uint64_t bytes) {
  KafkaConfig config;
  config.brokers = brokers;
  config.read_bytes = bytes;
  std::string name;
  for (const std::string& property : properties) {
    const auto equals = property.find('=');
    if (equals == 0 || (equals == std::string::npos && name.empty())) {
      throw Misconfigured("--kafka takes librdkafka's properties as name=value, not \"" + property +
                          "\"");
    }
    // What has no name is what followed a comma in a value, as in debug=broker,topic.
    if (equals == std::string::npos) {
      config.properties[name] += "," + property;
      continue;
    }
    name = property.substr(0, equals);
    config.properties[name] = property.substr(equals + 1);
  }
  return std::make_unique<Kafka>(std::move(config));
}

void add_log_options(Command& command, LogOptions& options) {
  command.text("data", options.data, "Folder of `sluice up`, for its embedded log");
  add_broker_options(command, options);
}

void add_broker_options(Command& command, LogOptions& options) {
  command.text("brokers", options.brokers, "Kafka's host:port,..., for a log on Kafka");
  command.list("kafka", options.kafka, "Properties of librdkafka, name=value");
}

void end_readers_with_process() { kafka::Client::end_with_process(); }

int partitions_of(LogTopology& topology, std::string_view stream) {
  if (const auto partitions = topology.partitions(stream)) return *partitions;
  throw Misconfigured("this log has no stream " + std::string(stream) +
                      ": is it the right one? `sluice topics list` shows what it has; `sluice up` "
                      "makes what is missing, on Kafka `sluice topics apply` does too");
}

std::unique_ptr<Log> look_at_log(const LogOptions& options, std::uint64_t bytes) {
  if (options.data.empty() == options.brokers.empty()) {
    throw Misconfigured("which log? give either --data (of `sluice up`) or --brokers (Kafka)");
  }
  return options.data.empty() ? kafka_log(options.brokers, options.kafka, bytes)
                              : look_at_embedded_log(options.data, bytes);
}

}  // namespace sluice
