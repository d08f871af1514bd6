#include "storage/kafka/client.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

#include "storage/base/errors.h"
#include "storage/kafka/error.h"
#include "storage/kafka/handles.h"
#include "storage/kafka/statistics.h"

namespace sluice::kafka {
namespace {

using Conf = std::unique_ptr<rd_kafka_conf_t, Destroy<rd_kafka_conf_destroy>>;
using std::chrono::milliseconds;
constexpr std::size_t kErrorText = 512;
constexpr std::chrono::seconds kToEnd{3};

std::atomic<bool>& process_ends() {
  static std::atomic<bool> ends = false;
  return ends;
}

void set(rd_kafka_conf_t* conf, const Properties& properties) {
  std::array<char, kErrorText> error{};
  for (const auto& [name, value] : properties) {
    const auto result =
        rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size());
    // Not the value: it may be a password.
    if (result == RD_KAFKA_CONF_UNKNOWN) {
      throw Misconfigured("librdkafka has no property " + name +
                          ": --kafka takes the names of its CONFIGURATION.md");
    }
    if (result != RD_KAFKA_CONF_OK) {
      throw Misconfigured("--kafka " + name +
                          "=... has a value that it cannot have: " + error.data());
    }
  }
}

Conf configured(const KafkaConfig& config, const RoleProperties& role) {
  Conf conf(rd_kafka_conf_new());
  set(conf.get(), {{"client.id", config.client_id},
                   // A broker that is back is noticed within a second, not within ten.
                   {"reconnect.backoff.max.ms", "1000"},
                   {"socket.nagle.disable", "true"}});
  set(conf.get(), role.usual);
  set(conf.get(), config.properties);
  set(conf.get(), {{"bootstrap.servers", config.brokers}, {"allow.auto.create.topics", "false"}});
  set(conf.get(), role.required);
  return conf;
}

}  // namespace

// Nothing times out inside librdkafka before the append is given up and what it has not sent is
// dropped: between a record that timed out and the drop, records behind it could still be sent.
RoleProperties writer_properties(const KafkaConfig& config, const ProducerSettings& settings) {
  constexpr milliseconds kBeyondAppend{60'000};
  const milliseconds timeout = config.append_deadline + kBeyondAppend;
  RoleProperties role{
      .usual = {{"compression.type", "lz4"},
                // An append is a batch already.
                {"linger.ms", "0"},
                {"message.max.bytes", "2097152"}},
      .required = {{"acks", "all"},
                   {"enable.idempotence", "true"},
                   {"enable.gapless.guarantee", settings.gapless ? "true" : "false"},
                   {"max.in.flight.requests.per.connection", "5"},
                   {"retries", "2147483647"},
                   {"queuing.strategy", "fifo"},
                   {"partitioner", "murmur2_random"},
                   {"delivery.report.only.error", "false"},
                   {"message.timeout.ms", std::to_string(timeout.count())},
                   // How long an unknown topic is waited for; create() has waited already.
                   {"topic.metadata.propagation.max.ms", "1000"}}};
  if (settings.batch_bytes) {
    role.required["batch.size"] = std::to_string(*settings.batch_bytes);
  }
  if (settings.alone) role.required["batch.num.messages"] = "1";
  return role;
}

std::size_t fetched_records(const KafkaConfig& config) {
  constexpr std::size_t kOverhead = 512;
  return std::clamp<std::size_t>(config.read_bytes / 2 / kOverhead, 1000, 1'000'000);
}

RoleProperties reader_properties(const KafkaConfig& config, const KafkaMember& member) {
  constexpr std::size_t kLargestFetch = 8u << 20;
  const std::size_t bytes = std::max<std::size_t>(config.read_bytes / 2, 1u << 20);
  const std::size_t fetch = std::min(bytes / 8, kLargestFetch);
  RoleProperties role{
      .usual = {{"session.timeout.ms", "10000"},
                // Soon after the coordinator is back: a broker's start takes half a session.
                {"heartbeat.interval.ms", "1000"},
                {"statistics.interval.ms", "5000"},
                // A member that has found no stream joins no group before it looks again.
                {"topic.metadata.refresh.interval.ms", "5000"},
                // One request a broker is in flight: a partition that is sought or resumed waits
                // for what was asked before.
                {"fetch.wait.max.ms", "100"},
                {"queued.min.messages", std::to_string(fetched_records(config))},
                {"queued.max.messages.kbytes", std::to_string(bytes >> 10)},
                {"fetch.max.bytes", std::to_string(fetch)},
                {"fetch.message.max.bytes", std::to_string(std::min<std::size_t>(fetch, 1u << 20))},
                {"message.max.bytes", std::to_string(std::min<std::size_t>(fetch, 1000000))}},
      .required = {{"group.id", member.group},
                   {"enable.auto.commit", "false"},
                   {"enable.auto.offset.store", "false"},
                   {"enable.partition.eof", "true"},
                   {"isolation.level", "read_committed"},
                   {"check.crcs", "true"},
                   {"auto.offset.reset", "error"},
                   {"partition.assignment.strategy", "cooperative-sticky"}}};
  if (!member.instance.empty()) role.required["group.instance.id"] = member.instance;
  return role;
}

RoleProperties topology_properties() { return {}; }

void require_known(const KafkaConfig& config) { configured(config, {}); }

void look_up(rd_kafka_t* client, const std::string& stream, milliseconds deadline) {
  const Topic topic(rd_kafka_topic_new(client, stream.c_str(), nullptr));
  if (topic == nullptr) return;
  const rd_kafka_metadata_t* told = nullptr;
  const auto code =
      rd_kafka_metadata(client, 0, topic.get(), &told, static_cast<int>(deadline.count()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_metadata_destroy(told);
}

milliseconds session_of(rd_kafka_t* client) {
  std::array<char, 16> text{};
  std::size_t size = text.size();
  rd_kafka_conf_get(rd_kafka_conf(client), "session.timeout.ms", text.data(), &size);
  return milliseconds{std::strtol(text.data(), nullptr, 10)};
}

Client::Client(rd_kafka_type_t type, const KafkaConfig& config, const RoleProperties& role,
               int events)
    : statistics_(config.statistics), heard_(std::make_shared<Heard>(config.client_id)) {
  Conf conf = configured(config, role);
  rd_kafka_conf_set_opaque(conf.get(), heard_.get());
  rd_kafka_conf_set_log_cb(conf.get(), write_line);
  rd_kafka_conf_set_error_cb(conf.get(), take_partition_error);
  rd_kafka_conf_set_events(conf.get(), events);
  std::array<char, kErrorText> error{};
  client_ = rd_kafka_new(type, conf.get(), error.data(), error.size());
  if (client_ == nullptr) {
    throw Misconfigured(
        std::string("librdkafka makes no client of what --brokers and --kafka say: ") +
        error.data());
  }
  static_cast<void>(conf.release());  // the client's since it succeeded
  if (statistics_) statistics_->began(this);
}

// Does not leave the group: a reader that wants to leave calls rd_kafka_consumer_close() first.
// librdkafka's destroy waits for requests in flight, such as a commit of offsets that the broker
// does not acknowledge, for a minute or longer and without a timeout: past our deadline a detached
// thread goes on waiting. A producer is always waited for: until its end it may read the bytes of
// the records that it was lent.
Client::~Client() {
  if (statistics_) statistics_->ended(this);
  if (client_ == nullptr) return;
  if (rd_kafka_type(client_) == RD_KAFKA_PRODUCER) {
    rd_kafka_destroy(client_);
    return;
  }
  if (process_ends()) {
    abandon();
    return;
  }
  const auto ended = std::make_shared<std::promise<void>>();
  const auto end = ended->get_future();
  const auto heard = heard_;
  std::thread([client = client_, heard, ended] {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ended->set_value();
  }).detach();
  if (end.wait_for(kToEnd) == std::future_status::ready) return;
  heard->nobody_listens = true;
  spdlog::info("kafka client not ended yet, goes on by itself");
}

// librdkafka keeps a processor busy in destroying a consumer until the consumer has connected
// again: after a broker's return two such consumers leave the last flush no processor.
void Client::end_with_process() { process_ends() = true; }

void Client::abandon() {
  heard_->nobody_listens = true;
  heard_->kept = heard_;
  client_ = nullptr;
}

void Client::take_statistics(rd_kafka_event_t* event) const {
  if (statistics_) statistics_->heard(this, rd_kafka_event_stats(event));
}

void Client::write_line(const rd_kafka_t* client, int level, const char* kind, const char* text) {
  auto* const heard = static_cast<Heard*>(rd_kafka_opaque(client));
  if (!heard->nobody_listens) heard->lines.take(level, kind, text);
}

// Errors that librdkafka puts among a partition's records and would only log: it goes on by itself,
// also in a topic that was made anew meanwhile. On the thread that takes records.
void Client::take_partition_error(rd_kafka_t*, int code, const char* text, void* self) {
  constexpr int kWarning = 4;
  auto* const heard = static_cast<Heard*>(self);
  heard->lines.take(kWarning, "PARTITION", text);
  heard->vanished |= code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                     code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                     code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

// Another process has our place in the group, or we had it ourselves: what waited for a broker
// while our session ended, a heartbeat or progress, is sent after we have joined again, in our
// former name. So we join again, and throw out the other if there is one: it is new then, and gives
// way.
void Client::fail_fenced(std::string_view reason) const {
  const bool is_new = Clock::now() - opened_ < session_of(client_);
  if (!is_new || reason.starts_with("OffsetCommit"))
    throw Retryable("the place in the consumer group is lost: joining it again");
  fail(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "Kafka client",
       "does another process run on a copy of this data folder? Stop one, or delete `instance` in "
       "its folder");
}

void Client::take_error(rd_kafka_event_t* event) const {
  const auto code = rd_kafka_event_error(event);
  std::array<char, kErrorText> reason{};
  const auto fatal = rd_kafka_fatal_error(client_, reason.data(), reason.size());
  if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) fail_fenced(reason.data());
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) fail(fatal, "Kafka client", reason.data());
  const char* text = rd_kafka_event_error_string(event);
  if (reaction_to(code) == Reaction::reconfigure) fail(code, "Kafka client", text);
  spdlog::debug("kafka client coped code={} text=\"{}\"", rd_kafka_err2name(code), text);
}

}  // namespace sluice::kafka
