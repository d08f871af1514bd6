#include "storage/kafka/kafka_producer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/kafka/error.h"

namespace sluice::kafka {
namespace {

using std::chrono::milliseconds;
using Kind = AppendFailure::Kind;

// What the wire may add to key and value, by the client's own reckoning.
constexpr std::size_t kOverhead = 512;
// So long may some partitions stand still while others of the same append move.
constexpr std::chrono::seconds kStandstill{2};
// Until librdkafka has reported what it was told to drop.
constexpr std::chrono::seconds kPurge{1};
// How often a standstill is looked for.
constexpr milliseconds kLook{100};

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

NewRecord& record_of(const rd_kafka_message_t& message) {
  return *static_cast<NewRecord*>(message._private);
}

bool is_too_large(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
         code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

std::string explain(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return "it acknowledged without an offset";
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
      return "nothing could be sent to it in time: has it a leader?";
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      return "it did not acknowledge in time";
    default:
      return rd_kafka_err2str(code);
  }
}

}  // namespace

struct KafkaProducer::Call {
  rd_kafka_topic_t* topic;
  std::string doing;
  std::vector<NewRecord*> records;
  std::vector<NewRecord*>& too_large;
  std::size_t enqueued = 0;
  std::size_t reported = 0;
  bool failed = false;
  bool acknowledged = false;  // any record
  Clock::time_point moved = Clock::now();
  std::map<std::pair<Partition, rd_kafka_resp_err_t>, std::shared_ptr<const AppendFailure>> why{};

  void fail(NewRecord& record, rd_kafka_resp_err_t code, Kind kind) {
    auto& failure = why[{record.partition, code}];
    if (!failure) {
      failure = std::make_shared<const AppendFailure>(AppendFailure{
          kind, "partition " + std::to_string(record.partition.value) + ": " + explain(code)});
    }
    record.failure = failure;
    failed = true;
  }
};

KafkaProducer::KafkaProducer(const KafkaConfig& config, ProducerSettings settings)
    : settings_(settings),
      client_(RD_KAFKA_PRODUCER, config, writer_properties(config, settings),
              RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR),
      reports_(rd_kafka_queue_get_main(client_.get())),
      largest_record_(largest_message(client_.get())) {}

KafkaProducer::~KafkaProducer() {
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

bool KafkaProducer::sound() const {
  return !gave_up_ && rd_kafka_fatal_error(client_.get(), nullptr, 0) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaProducer::append(const std::string& stream, std::vector<NewRecord*> records,
                           Clock::time_point deadline, std::vector<NewRecord*>& too_large) {
  Call call{topic(stream), "appending to " + stream, std::move(records), too_large};
  while (call.reported < call.records.size()) {
    enqueue(call);
    const auto now = Clock::now();
    const bool still = call.acknowledged && now - call.moved >= kStandstill;
    if (now >= deadline || (settings_.gapless ? call.failed : still)) return give_up(call);
    const auto left = std::chrono::ceil<milliseconds>(deadline - now);
    take_reports(call, std::min(left, kLook));
  }
}

rd_kafka_topic_t* KafkaProducer::topic(const std::string& stream) {
  auto [found, added] = topics_.try_emplace(stream);
  if (added) found->second.reset(rd_kafka_topic_new(client_.get(), stream.c_str(), nullptr));
  if (found->second == nullptr) fail(rd_kafka_last_error(), "opening " + stream);
  return found->second.get();
}

// Until the client's queue is full: the rest waits for room.
void KafkaProducer::enqueue(Call& call) {
  constexpr std::size_t kChunk = 4096;
  while (call.enqueued < call.records.size() && !(settings_.gapless && call.failed)) {
    const std::size_t size = std::min(kChunk, call.records.size() - call.enqueued);
    messages_.clear();
    for (std::size_t i = 0; i < size; ++i) {
      messages_.push_back(borrowed(*call.records[call.enqueued + i]));
    }
    rd_kafka_produce_batch(call.topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                           messages_.data(), static_cast<int>(messages_.size()));
    for (const rd_kafka_message_t& message : messages_) {
      if (message.err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return;
      if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) refuse_unsent(call, message);
      ++call.enqueued;
    }
  }
}

void KafkaProducer::refuse_unsent(Call& call, const rd_kafka_message_t& message) {
  if (reaction_to(message.err) == Reaction::reconfigure) fail(message.err, call.doing);
  call.fail(record_of(message), message.err, Kind::not_appended);
  ++call.reported;
}

void KafkaProducer::take_reports(Call& call, milliseconds patience) {
  const Event event(rd_kafka_queue_poll(reports_.get(), static_cast<int>(patience.count())));
  if (event == nullptr) return;
  if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
    const auto code = rd_kafka_event_error(event.get());
    // Also a fatal one is passed over: the reports behind it say why.
    if (reaction_to(code) != Reaction::reconfigure) return;
    fail(code, call.doing, rd_kafka_event_error_string(event.get()));
  }
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event.get())) {
    take_report(call, *message);
  }
}

void KafkaProducer::take_report(Call& call, const rd_kafka_message_t& message) {
  NewRecord& record = record_of(message);
  ++call.reported;
  call.moved = Clock::now();
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR && message.offset >= 0) {
    record.offset = Offset{message.offset};
    call.acknowledged = true;
  } else if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    // A repeat that the broker knew already may be answered so: it is there, nobody says where.
    call.fail(record, message.err, Kind::unknown);
  } else if (is_too_large(message.err)) {
    call.too_large.push_back(&record);
    call.failed = true;
  } else if (reaction_to(message.err) == Reaction::reconfigure) {
    fail(message.err, call.doing, "partition " + std::to_string(record.partition.value));
  } else {
    const bool sent = rd_kafka_message_status(&message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    call.fail(record, message.err, sent ? Kind::unknown : Kind::not_appended);
  }
}

// What librdkafka has not sent is not in the log, and never will be; of what it has sent nobody
// knows.
void KafkaProducer::give_up(Call& call) {
  gave_up_ = true;
  for (std::size_t i = call.enqueued; i < call.records.size(); ++i) {
    call.fail(*call.records[i], RD_KAFKA_RESP_ERR__PURGE_QUEUE, Kind::not_appended);
    ++call.reported;
  }
  call.records.resize(call.enqueued);
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  const auto end = Clock::now() + kPurge;
  while (call.reported < call.enqueued && Clock::now() < end) take_reports(call, kLook);
  if (call.reported == call.enqueued) return;
  for (NewRecord* record : call.records) {
    const bool waits =
        std::find(call.too_large.begin(), call.too_large.end(), record) != call.too_large.end();
    if (record->offset < Offset{0} && !record->failure && !waits) {
      call.fail(*record, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, Kind::unknown);
    }
  }
}

}  // namespace sluice::kafka
