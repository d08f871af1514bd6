#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <string>

#include "storage/kafka/handles.h"

namespace sluice::kafka {

// What the brokers say of a topic, which is its only one; null: there is no such topic. `doing`
// says in words what it is asked for. Throws what check() throws.
[[nodiscard]] Metadata metadata_of(rd_kafka_t* client, const std::string& topic,
                                   std::chrono::milliseconds deadline, const std::string& doing);

}  // namespace sluice::kafka
