#pragma once

#include <chrono>
#include <string>

#include "tools/sluice/cli/program.h"

namespace sluice {

// What every command that posts events is told.
struct ProducerOptions {
  std::string http;
  std::string api_key;
  std::int64_t batch = 1000;
  std::chrono::milliseconds timeout{30000};
  std::chrono::milliseconds retry_for{60000};
};

void add_producer_options(Command& command, ProducerOptions& options);

// {"accepted":n,"token":"..."} and the like: the last line that such a command prints.
void print_line(const std::string& json);

}  // namespace sluice
