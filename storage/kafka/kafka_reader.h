#pragma once

#include <chrono>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/errors.h"
#include "storage/event_log.h"
#include "storage/kafka/client.h"
#include "storage/kafka/fetched.h"
#include "storage/kafka/rejoin_delay.h"

namespace sluice::kafka {

// A consumer, as a member of a group or with partitions of its own.
class KafkaReader final : public EventReader {
 public:
  KafkaReader(const KafkaConfig& config, std::string stream, const KafkaMember& member,
              Ownership& ownership, std::shared_ptr<RejoinDelay> rejoin_delay);
  KafkaReader(const KafkaConfig& config, std::string stream, std::vector<Partition> partitions,
              Ownership& ownership);
  ~KafkaReader() override;

  std::span<const LogRecord> poll(std::chrono::milliseconds timeout) override;
  void seek(Partition partition, Offset position) override;
  void pause(Partition partition, bool paused) override;
  bool caught_up(Partition partition) override;
  Offset end(Partition partition) override;
  void show_progress(std::span<const PartitionProgress> progress) override;

 private:
  // Inside poll(): short against the session timeout.
  static constexpr std::chrono::milliseconds kWatermarkTimeout{2000};
  enum class Membership { fixed, static_member, ordinary_member };
  // What the group said last of what is ours, be it nothing. Lost: it may have given it to others.
  enum class Assignment { pending, given, lost };

  // A partition that is ours. librdkafka's own idea of where it stands is never asked.
  struct Held {
    Offset next;                // what poll() returns next
    std::optional<Offset> end;  // when it was last asked for; nullopt: nobody answered
    // Up to here the client found nothing more to return; nullopt: records came since, or a seek.
    std::optional<Offset> nothing_until;
    bool paused = false;
    bool failed = false;  // librdkafka has given it up, until it is assigned anew
  };

  void serve(rd_kafka_event_t* event);
  void require_stream(rd_kafka_resp_err_t code) const;
  void rebalance(rd_kafka_event_t* event);
  void lose(const rd_kafka_topic_partition_list_t& partitions);
  void acquire_pending();
  void collect(std::span<rd_kafka_message_t* const> messages);
  void ask_for_more();
  void take_failure(const rd_kafka_message_t& message);
  // All that are held: which of them it was is not told.
  void fail_vanished();
  void throw_failure();
  // Throws Retryable where the group gave nothing and never will.
  void leave_if_idle();
  void go_to(Partition partition, Offset position);
  void assign_anew(Partition partition, Offset position);
  void close();

  Held& held(Partition partition);
  // The durable end as last heard of, whatever lies before it; nullopt: nothing was heard.
  [[nodiscard]] std::optional<Offset> known_end(Partition partition, const Held& held) const;
  [[nodiscard]] std::string at(Partition partition) const;
  // Nothing when no broker tells in time.
  [[nodiscard]] std::optional<std::pair<Offset, Offset>> range(
      Partition partition, std::chrono::milliseconds deadline) const;
  [[nodiscard]] PartitionList listed(Partition partition, Offset position) const;

  const std::string stream_;
  const Membership membership_;
  const KafkaMember member_;  // of no group: empty
  const std::shared_ptr<RejoinDelay> rejoin_delay_;
  Ownership& ownership_;
  Client client_;
  Fetched fetched_;
  const std::size_t low_water_;  // records fetched and not taken
  std::chrono::steady_clock::time_point next_question_;
  Assignment assignment_ = Assignment::pending;
  bool progress_in_flight_ = false;
  // When it did, and had not before or it was lost; nullopt: something was ours since.
  std::optional<std::chrono::steady_clock::time_point> empty_since_;
  std::map<Partition, Held> held_;
  std::deque<Partition> pending_;  // assigned by the group, Ownership not yet told
  std::vector<LogRecord> records_;
  std::deque<std::exception_ptr> failures_;  // for the polls to come
};

}  // namespace sluice::kafka
