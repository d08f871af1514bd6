#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_log.h"
#include "storage/kafka/client.h"
#include "storage/kafka/kafka_log.h"

namespace sluice::kafka {

class KafkaProducer;

// An idempotent producer; a new one after each append that was given up, so that nothing of it is
// left that could still be sent.
class KafkaWriter final : public EventWriter {
 public:
  explicit KafkaWriter(KafkaConfig config);
  ~KafkaWriter() override;

  // By the topic's max.message.bytes, asked for once a minute, and the client's own
  // message.max.bytes. Waits for the broker's answer, a second at most.
  std::size_t largest_record(std::string_view stream) override;

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Limit {
    std::size_t bytes = kNoRecordLimit;
    Clock::time_point asked;
    bool alone = false;  // the limit is not known, and a batch was refused: records go one by one
  };

  Limit& limit_of(const std::string& stream, bool gapless);
  // A sound one with such settings: the one at hand, or a new one.
  std::unique_ptr<KafkaProducer> take_producer(bool gapless, bool alone);
  void append(const std::string& stream, std::span<NewRecord> records, Gaps gaps);
  // Of batches that the broker refused for their size, finds the records that are too large and
  // appends the others.
  void append_alone(const std::string& stream, const std::vector<NewRecord*>& records,
                    Clock::time_point deadline);

  const KafkaConfig config_;
  std::unique_ptr<KafkaProducer> producer_;
  std::map<std::string, Limit, std::less<>> limits_;  // by stream
};

}  // namespace sluice::kafka
