#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace sluice::kafka {

// The most bytes that key and value of one record may have together, by the topic's own
// max.message.bytes; absent when nobody says so in time, or may not (DescribeConfigs). Compression
// does not count: whether a record fits must not depend on its neighbours.
[[nodiscard]] std::optional<std::size_t> ask_record_limit(rd_kafka_t* client,
                                                          const std::string& topic,
                                                          std::chrono::milliseconds timeout);

}  // namespace sluice::kafka
