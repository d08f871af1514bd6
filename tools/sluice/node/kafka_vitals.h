#pragma once

// The handful of what librdkafka tells of its readers that an operator needs.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace sluice {

struct KafkaVitals {
  std::uint64_t readers = 0;
  std::uint64_t brokers = 0;          // known
  std::uint64_t brokers_up = 0;       // to which a connection stands; who leads nothing needs none
  double round_trip_seconds = 0;      // the mean of the slowest broker
  double throttled_seconds = 0;       // the longest mean time that a broker put off its answers
  std::uint64_t fetched_records = 0;  // that wait to be folded
  std::uint64_t fetched_bytes = 0;
  // Since the process began.
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t request_timeouts = 0;
  std::uint64_t request_errors = 0;
  std::uint64_t disconnects = 0;
};

// Adds up what readers tell, those that have ended included. One thread.
class KafkaTotals {
 public:
  // What each told last, as STATISTICS.md of librdkafka has it. nullopt: none has told anything.
  [[nodiscard]] std::optional<KafkaVitals> add(std::span<const std::string> statistics);

 private:
  struct Counted {
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t request_timeouts = 0;
    std::uint64_t request_errors = 0;
    std::uint64_t disconnects = 0;
  };

  std::map<std::string, Counted> last_;  // by reader
  Counted ended_;
};

}  // namespace sluice
