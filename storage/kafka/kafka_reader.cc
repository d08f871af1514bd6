#include "storage/kafka/kafka_reader.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "storage/kafka/error.h"

namespace sluice::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kEvents =
    RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_STATS;
constexpr milliseconds kSeekTimeout{10'000};
constexpr milliseconds kSeekAttemptTimeout{1000};

// librdkafka wants a group's name also of a consumer that joins none.
KafkaMember nobody() { return {.group = "sluice-without-group", .instance = {}}; }

std::string text_of(Offset offset) { return std::to_string(offset.value); }

}  // namespace

KafkaReader::KafkaReader(const KafkaConfig& config, std::string stream, const KafkaMember& member,
                         Ownership& ownership, std::shared_ptr<RejoinDelay> rejoin_delay)
    : stream_(std::move(stream)),
      membership_(member.instance.empty() ? Membership::ordinary_member
                                          : Membership::static_member),
      member_(member),
      rejoin_delay_(std::move(rejoin_delay)),
      ownership_(ownership),
      client_(RD_KAFKA_CONSUMER, config, reader_properties(config, member), kEvents),
      fetched_(client_.get()),
      low_water_(fetched_records(config) / 2) {
  const PartitionList topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), stream_.c_str(), RD_KAFKA_PARTITION_UA);
  check(rd_kafka_subscribe(client_.get(), topics.get()), "subscribing to " + stream_);
}

KafkaReader::KafkaReader(const KafkaConfig& config, std::string stream,
                         std::vector<Partition> partitions, Ownership& ownership)
    : stream_(std::move(stream)),
      membership_(Membership::fixed),
      ownership_(ownership),
      client_(RD_KAFKA_CONSUMER, config, reader_properties(config, nobody()), kEvents),
      fetched_(client_.get()),
      low_water_(fetched_records(config) / 2),
      pending_(partitions.begin(), partitions.end()) {}

KafkaReader::~KafkaReader() {
  fetched_.release();
  if (membership_ == Membership::fixed) return;
  if (membership_ == Membership::static_member && assignment_ == Assignment::given &&
      held_.empty() && pending_.empty()) {
    rejoin_delay_->left_idle(member_, session_of(client_.get()));
  }
  // Before 2.3 librdkafka aborts the process where a member is destroyed that has been let into its
  // group and not told what is its own (github.com/confluentinc/librdkafka/issues/4312).
  const bool destroyable = assignment_ != Assignment::pending || rd_kafka_version() >= 0x02030000;
  if (membership_ == Membership::ordinary_member || !destroyable) close();
  if (!destroyable) client_.abandon();
}

std::span<const LogRecord> KafkaReader::poll(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  records_.clear();
  fetched_.release();
  do {
    while (const Event event = fetched_.event()) serve(event.get());
    acquire_pending();
    throw_failure();
    leave_if_idle();
    const auto messages = fetched_.take();
    if (client_.take_vanished()) fail_vanished();
    collect(messages);
    ask_for_more();
    // Where records came with a failure, the next poll tells it: what it throws may not cost them.
    if (!records_.empty()) return records_;
    throw_failure();
  } while (fetched_.wait(deadline));
  return {};
}

void KafkaReader::serve(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
      return rebalance(event);
    case RD_KAFKA_EVENT_ERROR:
      require_stream(rd_kafka_event_error(event));
      return client_.take_error(event);
    case RD_KAFKA_EVENT_STATS:
      return client_.take_statistics(event);
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      progress_in_flight_ = false;
      return;
    default:
      return;
  }
}

// What is unknown now was known when the group took us in: it may come back.
void KafkaReader::require_stream(rd_kafka_resp_err_t code) const {
  const bool unknown = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                       code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                       code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
  if (assignment_ != Assignment::pending && unknown)
    throw Retryable("the stream " + stream_ + " is gone (docs/start_checks.md has the ways on)");
}

void KafkaReader::collect(std::span<rd_kafka_message_t* const> messages) {
  records_.reserve(messages.size());
  Held* held = nullptr;
  Partition partition{-1};
  for (rd_kafka_message_t* message : messages) {
    if (message->partition != partition.value) {
      partition = Partition{message->partition};
      const auto found = held_.find(partition);
      held = found == held_.end() ? nullptr : &found->second;
    }
    // Fetched before a seek, a pause, a failure or a loss. What is dropped is read again from
    // `next`.
    if (held == nullptr || held->paused || held->failed) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      held->nothing_until = Offset{message->offset};
      continue;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      take_failure(*message);
      continue;
    }
    const Offset offset{message->offset};
    if (offset < held->next) continue;
    held->next = offset.next();
    held->nothing_until.reset();
    rd_kafka_timestamp_type_t stamped_by{};
    const auto stamp = rd_kafka_message_timestamp(message, &stamped_by);
    records_.push_back({partition,
                        offset,
                        Time{milliseconds{stamp}},
                        {static_cast<const char*>(message->key), message->key_len},
                        {static_cast<const char*>(message->payload), message->len},
                        stamped_by == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME});
  }
}

// librdkafka looks once a second whether a full queue has room again, which would make a reader
// with little memory slow. A question to a partition's leader makes it look at once, and renews the
// end.
void KafkaReader::ask_for_more() {
  constexpr milliseconds kBetween{5};
  constexpr milliseconds kLeaderTimeout{100};
  constexpr milliseconds kRetryAfterTimeout{1000};
  if (fetched_.waiting() >= low_water_ || Clock::now() < next_question_) return;
  const auto behind = std::find_if(held_.begin(), held_.end(), [&](const auto& h) {
    return !h.second.paused && !h.second.failed && !caught_up(h.first);
  });
  if (behind == held_.end()) return;
  const auto known = range(behind->first, kLeaderTimeout);
  if (known) behind->second.end = known->second;
  next_question_ = Clock::now() + (known ? kBetween : kRetryAfterTimeout);
}

void KafkaReader::take_failure(const rd_kafka_message_t& message) {
  const Partition partition{message.partition};
  if (reaction_to(message.err) == Reaction::retry) {
    spdlog::debug("kafka fetch coped partition={} text=\"{}\"", at(partition),
                  rd_kafka_message_errstr(&message));
    return;
  }
  Held& failed = held(partition);
  failed.failed = true;
  std::string what = "reading " + at(partition) + " at position " + text_of(failed.next);
  if (const auto has = range(partition, kWatermarkTimeout)) {
    what += ", where the log has [" + text_of(has->first) + ", " + text_of(has->second) + ")";
    if (failed.next < has->first) what += ": retention has passed the position";
    if (failed.next > has->second) what += ": the log has lost its tail or was made again";
  }
  what += std::string(": ") + rd_kafka_err2str(message.err);
  if (reaction_to(message.err) == Reaction::reconfigure) {
    failures_.push_back(std::make_exception_ptr(Misconfigured(what)));
    return;
  }
  const bool sound = message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                     message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
  failures_.push_back(std::make_exception_ptr(Unreadable(
      partition, sound ? Unreadable::Cause::no_position : Unreadable::Cause::damage, what)));
}

void KafkaReader::fail_vanished() {
  for (auto& [partition, held] : held_) {
    if (std::exchange(held.failed, true)) continue;
    failures_.push_back(
        std::make_exception_ptr(Unreadable(partition, Unreadable::Cause::no_position,
                                           "reading " + at(partition) + ": the topic was gone")));
  }
}

void KafkaReader::throw_failure() {
  if (failures_.empty()) return;
  const std::exception_ptr failure = std::move(failures_.front());
  failures_.pop_front();
  std::rethrow_exception(failure);
}

void KafkaReader::seek(Partition partition, Offset position) {
  Held& sought = held(partition);
  sought.next = position;
  sought.nothing_until.reset();
  if (sought.failed) return assign_anew(partition, position);
  if (!sought.paused) go_to(partition, position);
}

void KafkaReader::pause(Partition partition, bool paused) {
  Held& changed = held(partition);
  if (std::exchange(changed.paused, paused) == paused) return;
  const PartitionList list = listed(partition, changed.next);
  if (paused) {
    check(rd_kafka_pause_partitions(client_.get(), list.get()), "pausing " + at(partition));
    return;
  }
  check(rd_kafka_resume_partitions(client_.get(), list.get()), "resuming " + at(partition));
  // Not where librdkafka believes that we were: it may have handed out what poll() dropped.
  changed.nothing_until.reset();
  if (!changed.failed) go_to(partition, changed.next);
}

void KafkaReader::go_to(Partition partition, Offset position) {
  const auto deadline = Clock::now() + kSeekTimeout;
  const PartitionList list = listed(partition, position);
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  const auto passing = [&] {
    // Just assigned, it is refused until the client's own thread has begun to fetch.
    return code == RD_KAFKA_RESP_ERR__STATE || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
  };
  do {
    const ErrorObject late(rd_kafka_seek_partitions(client_.get(), list.get(),
                                                    static_cast<int>(kSeekAttemptTimeout.count())));
    code = late ? rd_kafka_error_code(late.get()) : list->elems[0].err;
  } while (passing() && Clock::now() < deadline);
  check(code, "seeking in " + at(partition));
}

void KafkaReader::assign_anew(Partition partition, Offset position) {
  const PartitionList list = listed(partition, position);
  check(rd_kafka_incremental_unassign(client_.get(), list.get()),
        "letting " + at(partition) + " go");
  // The client's own thread ends the fetching, and with it what gather() did: only once it has
  // answered something else may the partition be gathered, or its records end up nowhere.
  const PartitionList none(rd_kafka_topic_partition_list_new(0));
  check(rd_kafka_incremental_assign(client_.get(), none.get()), "reading " + at(partition));
  fetched_.gather(stream_, partition);
  check(rd_kafka_incremental_assign(client_.get(), list.get()), "reading " + at(partition));
  held(partition).failed = false;
}

// The client tells that it reached the end (of what is committed) only with the answer that follows
// the last records, a tenth of a second later: where the last one lies at the high watermark, which
// came with it, nothing needs to be waited for.
bool KafkaReader::caught_up(Partition partition) {
  const Held& asked = held(partition);
  if (asked.paused || asked.failed) return false;
  const auto known = known_end(partition, asked);
  return asked.nothing_until.has_value() || (known && asked.next >= *known);
}

Offset KafkaReader::end(Partition partition) {
  const Held& asked = held(partition);
  const Offset known = known_end(partition, asked).value_or(asked.next);
  // Behind it are open transactions, whose records may become readable yet.
  const bool held_back = !asked.nothing_until || known > *asked.nothing_until;
  return held_back ? std::max(known, asked.next) : asked.next;
}

std::optional<Offset> KafkaReader::known_end(Partition partition, const Held& held) const {
  std::int64_t begin = 0;
  std::int64_t end = RD_KAFKA_OFFSET_INVALID;
  rd_kafka_get_watermark_offsets(client_.get(), stream_.c_str(), partition.value, &begin, &end);
  if (end < 0) return held.end;
  return std::max(held.end.value_or(Offset{end}), Offset{end});
}

KafkaReader::Held& KafkaReader::held(Partition partition) {
  const auto found = held_.find(partition);
  CHECK(found != held_.end(), "a reader is asked only about partitions that it has");
  return found->second;
}

std::string KafkaReader::at(Partition partition) const {
  return stream_ + "/" + std::to_string(partition.value);
}

std::optional<std::pair<Offset, Offset>> KafkaReader::range(Partition partition,
                                                            milliseconds deadline) const {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  const auto code =
      rd_kafka_query_watermark_offsets(client_.get(), stream_.c_str(), partition.value, &begin,
                                       &end, static_cast<int>(deadline.count()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::pair{Offset{begin}, Offset{end}};
  require_stream(code);
  // To a consumer without a group librdkafka does not report that a stream is missing.
  if (reaction_to(code) == Reaction::reconfigure) fail(code, "reading " + at(partition));
  return std::nullopt;
}

PartitionList KafkaReader::listed(Partition partition, Offset position) const {
  PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), stream_.c_str(), partition.value)->offset =
      position.value;
  return list;
}

}  // namespace sluice::kafka
