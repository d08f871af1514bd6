#pragma once

// librdkafka's errors as ours (storage/base/errors.h). The only place that knows which is which.

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

namespace sluice::kafka {

// What a message ends with where nobody answered.
inline constexpr std::string_view kIsBrokerThere = "; does a broker run where --brokers says?";

// What the catcher does about it.
enum class Reaction { retry, stop_partition, reconfigure };
[[nodiscard]] Reaction reaction_to(rd_kafka_resp_err_t code);

// Throws Retryable, Corrupt or Misconfigured: "<doing>: <what the code means> (<detail>); <what to
// do>".
[[noreturn]] void fail(rd_kafka_resp_err_t code, std::string_view doing,
                       std::string_view detail = {});

// Returns when nothing is wrong.
void check(rd_kafka_resp_err_t code, std::string_view doing);
// Takes ownership of `error`, which may be null.
void check(rd_kafka_error_t* error, std::string_view doing);

}  // namespace sluice::kafka
