#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "storage/event_log.h"
#include "storage/kafka/kafka_log.h"

namespace sluice::kafka {

// An idempotent producer; a new one after each failure, so that nothing of a failed append is left
// that could still be sent.
class KafkaWriter final : public EventWriter {
 public:
  explicit KafkaWriter(KafkaConfig config);
  ~KafkaWriter() override;

  std::size_t largest_record(std::string_view stream) override;

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) override;

 private:
  class Producer;

  const KafkaConfig config_;
  std::unique_ptr<Producer> producer_;
};

}  // namespace sluice::kafka
