#include "storage/kafka/kafka_writer.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/kafka/client.h"
#include "storage/kafka/error.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// What the wire may add to key and value.
constexpr std::size_t kOverhead = 512;

std::size_t largest_message(const rd_kafka_t* client) {
  std::array<char, 32> text{};
  std::size_t size = text.size();
  const auto got = rd_kafka_conf_get(rd_kafka_conf(const_cast<rd_kafka_t*>(client)),
                                     "message.max.bytes", text.data(), &size);
  CHECK(got == RD_KAFKA_CONF_OK, "librdkafka has this property");
  return std::stoul(text.data()) - kOverhead;
}

// librdkafka copies what it sends into requests; until then it reads key and value where they are.
rd_kafka_message_t borrowed(NewRecord& record) {
  rd_kafka_message_t message{};
  message.partition = record.partition.value;
  message.payload = const_cast<char*>(record.value.data());  // only read
  message.len = record.value.size();
  message.key = const_cast<char*>(record.key.data());
  message.key_len = record.key.size();
  message._private = &record;
  return message;
}

}  // namespace

class KafkaWriter::Producer {
 public:
  explicit Producer(const KafkaConfig& config)
      : client_(RD_KAFKA_PRODUCER, config, writer_properties(config),
                RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR),
        reports_(rd_kafka_queue_get_main(client_.get())),
        largest_record_(largest_message(client_.get())) {}

  // Unsent records go with it: when this returns nothing refers to their bytes any more.
  ~Producer() { rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT); }

  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // `doing` names the append in what is thrown.
  void append(const std::string& stream, std::span<NewRecord> records, const std::string& doing,
              Clock::time_point deadline) {
    // Before anything is sent: librdkafka would refuse this one and send what is behind it.
    for (NewRecord& record : records) {
      if (record.key.size() + record.value.size() <= largest_record_) continue;
      rd_kafka_message_t message = borrowed(record);
      message.err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
      refuse(message, doing);
    }
    std::size_t enqueued = 0;
    std::size_t acknowledged = 0;
    while (acknowledged < records.size()) {
      enqueued += enqueue(topic(stream), records.subspan(enqueued), doing);
      acknowledged += take_reports(doing, deadline);
    }
  }

 private:
  static constexpr std::size_t kChunk = 4096;

  rd_kafka_topic_t* topic(const std::string& stream) {
    auto [found, added] = topics_.try_emplace(stream);
    if (added) found->second.reset(rd_kafka_topic_new(client_.get(), stream.c_str(), nullptr));
    if (found->second == nullptr) fail(rd_kafka_last_error(), "opening " + stream);
    return found->second.get();
  }

  // Returns how many the client's queue took, in order; the rest waits for room.
  std::size_t enqueue(rd_kafka_topic_t* topic, std::span<NewRecord> records,
                      const std::string& doing) {
    std::size_t taken = 0;
    while (taken < records.size()) {
      const auto chunk = records.subspan(taken, std::min(kChunk, records.size() - taken));
      messages_.clear();
      for (NewRecord& record : chunk) messages_.push_back(borrowed(record));
      rd_kafka_produce_batch(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                             messages_.data(), static_cast<int>(messages_.size()));
      for (const rd_kafka_message_t& message : messages_) {
        if (message.err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return taken;
        if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) refuse(message, doing);
        ++taken;
      }
    }
    return taken;
  }

  // Waits for delivery reports; returns how many came.
  std::size_t take_reports(const std::string& doing, Clock::time_point deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds{0}) throw Retryable(doing + ": not acknowledged in time");
    const Event event(rd_kafka_queue_poll(reports_.get(), static_cast<int>(left.count())));
    if (event == nullptr) return 0;
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
      const auto code = rd_kafka_event_error(event.get());
      // Also a fatal one is passed over: the reports behind it say why.
      if (reaction_to(code) != Reaction::reconfigure) return 0;
      fail(code, doing, rd_kafka_event_error_string(event.get()));
    }
    std::size_t count = 0;
    while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event.get())) {
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) refuse(*message, doing);
      // A repeat that the broker knew already may be answered so: it is there, nobody says where.
      if (message->offset < 0) throw Retryable(doing + ": acknowledged without an offset");
      static_cast<NewRecord*>(message->_private)->offset = Offset{message->offset};
      ++count;
    }
    return count;
  }

  [[noreturn]] static void refuse(const rd_kafka_message_t& message, const std::string& doing) {
    fail(message.err, doing,
         "partition " + std::to_string(message.partition) + ", a record of " +
             std::to_string(message.len + message.key_len) + " bytes");
  }

  Client client_;
  Queue reports_;
  const std::size_t largest_record_;
  std::map<std::string, Topic> topics_;
  std::vector<rd_kafka_message_t> messages_;
};

KafkaWriter::KafkaWriter(KafkaConfig config) : config_(std::move(config)) {}
KafkaWriter::~KafkaWriter() = default;

std::size_t KafkaWriter::largest_record(std::string_view) { return kNoRecordLimit; }

void KafkaWriter::write(std::string_view stream, std::span<NewRecord> records, Gaps) {
  if (records.empty()) return;
  const auto deadline = Clock::now() + config_.append_deadline;
  const std::string doing = "appending to " + std::string(stream);
  // Held here while it works: whatever is thrown ends it, and with it what it has not sent.
  std::unique_ptr<Producer> producer = std::exchange(producer_, nullptr);
  if (!producer) producer = std::make_unique<Producer>(config_);
  producer->append(std::string(stream), records, doing, deadline);
  producer_ = std::move(producer);
}

}  // namespace sluice::kafka
