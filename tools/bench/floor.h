#pragma once

// What the same work costs without us: the least that it can take.

#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {

// Drains a topic of four partitions with a bare librdkafka consumer, and prints what it took.
void drain_bare(const std::string& brokers, const std::string& topic);

// Appends key and value pairs to a topic of four partitions with a bare librdkafka producer,
// waiting for each round to be acknowledged, and prints what it took.
void produce_bare(const std::string& brokers, const std::string& topic,
                  const std::vector<std::pair<std::string, std::string>>& records);

// Reads the rows of a schema's tables and writes them anew as a sink does, by COPY and upsert in
// transactions of 50,000, with the lines ready in memory; prints what that took.
void upsert_bare(const std::string& url, const std::string& schema);

}  // namespace sluice::bench
