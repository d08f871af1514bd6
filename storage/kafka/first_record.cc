#include "storage/kafka/first_record.h"

#include <utility>

#include "storage/base/errors.h"
#include "storage/kafka/error.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Message = std::unique_ptr<rd_kafka_message_t, Destroy<rd_kafka_message_destroy>>;

RoleProperties looking_properties() {
  // One record is wanted: a broker sends at least one batch, however little is asked for.
  return {.usual = {{"fetch.wait.max.ms", "10"},
                    {"queued.min.messages", "1"},
                    {"fetch.message.max.bytes", "1024"}},
          .required = {{"group.id", "sluice-without-group"},
                       {"enable.auto.commit", "false"},
                       {"enable.auto.offset.store", "false"},
                       {"enable.partition.eof", "true"},
                       {"isolation.level", "read_committed"},
                       {"auto.offset.reset", "error"},
                       {"check.crcs", "true"}}};
}

// While it lives the client reads one partition from its first offset.
class Assigned {
 public:
  Assigned(rd_kafka_t* client, const std::string& stream, Partition partition) : client_(client) {
    const PartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), stream.c_str(), partition.value)->offset = 0;
    check(rd_kafka_assign(client, list.get()), "reading the first record of " + stream);
  }
  ~Assigned() { rd_kafka_assign(client_, nullptr); }
  Assigned(const Assigned&) = delete;
  Assigned& operator=(const Assigned&) = delete;

 private:
  rd_kafka_t* const client_;
};

LogRecord record_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t ignored{};
  return {Partition{message.partition},
          Offset{message.offset},
          Time{milliseconds{rd_kafka_message_timestamp(&message, &ignored)}},
          {static_cast<const char*>(message.key), message.key_len},
          {static_cast<const char*>(message.payload), message.len}};
}

}  // namespace

FirstRecord::FirstRecord(KafkaConfig config) : config_(std::move(config)) {}

FirstRecord::~FirstRecord() = default;

std::optional<LogIdentity> FirstRecord::identity(const std::string& cluster,
                                                 const std::string& stream, Partition partition) {
  const MutexLock lock(mutex_);
  if (!client_) {
    client_ = std::make_unique<Client>(RD_KAFKA_CONSUMER, config_, looking_properties(), 0);
    rd_kafka_poll_set_consumer(client_->get());
    looked_up_.clear();
  }
  try {
    return ask(cluster, stream, partition);
  } catch (const Error&) {
    client_.reset();
    throw;
  }
}

std::optional<LogIdentity> FirstRecord::ask(const std::string& cluster, const std::string& stream,
                                            Partition partition) {
  const std::string doing =
      "reading the first record of " + stream + "/" + std::to_string(partition.value);
  const auto deadline = Clock::now() + config_.question_deadline;
  if (looked_up_.insert(stream).second) look_up(client_->get(), stream, config_.question_deadline);
  const Assigned assigned(client_->get(), stream, partition);
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds{0})
      throw Retryable(doing + ": no answer in time" + std::string(kIsBrokerThere));
    const Message message(rd_kafka_consumer_poll(client_->get(), static_cast<int>(left.count())));
    // Errors of the client as a whole, which it copes with, have no topic.
    if (!message || message->rkt == nullptr || message->partition != partition.value ||
        stream != rd_kafka_topic_name(message->rkt)) {
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return std::nullopt;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return identity_of(cluster, stream, record_of(*message));
    }
    if (reaction_to(message->err) != Reaction::retry) check(message->err, doing);
  }
}

}  // namespace sluice::kafka
