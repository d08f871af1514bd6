#include "storage/kafka/kafka_writer.h"

#include <algorithm>
#include <utility>

#include "storage/base/errors.h"
#include "storage/kafka/kafka_producer.h"
#include "storage/kafka/record_limit.h"

namespace sluice::kafka {
namespace {

using Kind = AppendFailure::Kind;

constexpr std::chrono::seconds kAskAgain{60};
constexpr std::chrono::milliseconds kAnswer{1000};
// librdkafka's own, which it counts with what goes around keys and values.
constexpr std::size_t kUsualBatch = 1'000'000;

std::size_t size_of(const NewRecord& record) { return record.key.size() + record.value.size(); }

void refuse_size(NewRecord& record, std::size_t limit) {
  std::string reason = "partition " + std::to_string(record.partition.value) + ": a record of " +
                       std::to_string(size_of(record)) + " bytes, key \"" +
                       std::string(record.key.substr(0, 64)) + "\", is too large for the topic";
  if (limit != kNoRecordLimit) {
    reason += ", which takes " + std::to_string(limit) + " (max.message.bytes)";
  }
  record.failure = std::make_shared<const AppendFailure>(
      AppendFailure{Kind::too_large, std::move(reason), limit == kNoRecordLimit ? 0 : limit});
}

std::vector<NewRecord*> small_enough(std::span<NewRecord> records, std::size_t limit) {
  std::vector<NewRecord*> sent;
  sent.reserve(records.size());
  for (NewRecord& record : records) {
    if (size_of(record) > limit) {
      refuse_size(record, limit);
    } else {
      sent.push_back(&record);
    }
  }
  return sent;
}

void refuse_others(std::span<NewRecord> records, const std::string& why) {
  const auto failure =
      std::make_shared<const AppendFailure>(AppendFailure{Kind::not_appended, why});
  for (NewRecord& record : records) {
    if (!record.failure && record.offset < Offset{0}) record.failure = failure;
  }
}

}  // namespace

KafkaWriter::KafkaWriter(KafkaConfig config) : config_(std::move(config)) {}
KafkaWriter::~KafkaWriter() = default;

std::size_t KafkaWriter::largest_record(std::string_view stream) {
  return limit_of(std::string(stream), false).bytes;
}

KafkaWriter::Limit& KafkaWriter::limit_of(const std::string& stream, bool gapless) {
  Limit& limit = limits_[stream];
  const auto now = Clock::now();
  if (limit.asked != Clock::time_point{} && now - limit.asked < kAskAgain) return limit;
  limit.asked = now;
  if (!producer_) producer_ = take_producer(gapless, false);
  const auto answer = ask_record_limit(producer_->client(), stream, kAnswer);
  limit.bytes = std::min(answer.value_or(kNoRecordLimit), producer_->largest_record());
  limit.alone = limit.alone && !answer;
  return limit;
}

std::unique_ptr<KafkaProducer> KafkaWriter::take_producer(bool gapless, bool alone) {
  ProducerSettings settings{.gapless = gapless, .alone = alone};
  for (const auto& [stream, limit] : limits_) {
    if (limit.bytes >= settings.batch_bytes.value_or(kUsualBatch)) continue;
    settings.batch_bytes = limit.bytes;
  }
  std::unique_ptr<KafkaProducer> producer = std::exchange(producer_, nullptr);
  if (producer && producer->sound() && producer->settings() == settings) return producer;
  producer.reset();  // before the next one connects
  return std::make_unique<KafkaProducer>(config_, settings);
}

void KafkaWriter::write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) {
  if (records.empty()) return;
  append(std::string(stream), records, gaps);
}

void KafkaWriter::append(const std::string& stream, std::span<NewRecord> records, Gaps gaps) {
  const auto deadline = Clock::now() + config_.append_deadline;
  const bool gapless = gaps == Gaps::forbidden;
  Limit& limit = limit_of(stream, gapless);
  std::vector<NewRecord*> sent = small_enough(records, limit.bytes);
  if (gapless && sent.size() < records.size()) {
    return refuse_others(records, "it stood beside a record that is too large");
  }
  std::vector<NewRecord*> too_large;
  // Held here while it works: whatever is thrown ends it, and with it what it has not sent.
  std::unique_ptr<KafkaProducer> producer = take_producer(gapless, limit.alone);
  producer->append(stream, std::move(sent), deadline, too_large);
  if (too_large.empty()) {
    if (producer->sound()) producer_ = std::move(producer);
    return;
  }
  producer.reset();
  limit.asked = {};
  if (!gapless) return append_alone(stream, too_large, deadline);
  // The topic's limit may have become smaller, and a batch of small records was above it.
  if (!limit.alone) {
    limit.alone = true;
    return refuse_others(records, "a batch was larger than the topic takes");
  }
  for (NewRecord* record : too_large) refuse_size(*record, limit.bytes);
}

void KafkaWriter::append_alone(const std::string& stream, const std::vector<NewRecord*>& records,
                               Clock::time_point deadline) {
  Limit& limit = limit_of(stream, false);
  std::vector<NewRecord*> sent;
  for (NewRecord* record : records) {
    if (size_of(*record) > limit.bytes || records.size() == 1) {
      refuse_size(*record, limit.bytes);
    } else {
      sent.push_back(record);
    }
  }
  if (sent.empty()) return;
  std::vector<NewRecord*> too_large;
  KafkaProducer alone(config_, {.gapless = false, .alone = true});
  alone.append(stream, std::move(sent), deadline, too_large);
  for (NewRecord* record : too_large) {
    refuse_size(*record, limit.bytes);
    // Nobody says what the topic takes, but not this.
    limit.bytes = std::min(limit.bytes, size_of(*record) - 1);
  }
}

}  // namespace sluice::kafka
