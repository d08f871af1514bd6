#include "tools/sluice/client/producer.h"

#include <cstdio>

namespace sluice {

void add_producer_options(Command& command, ProducerOptions& options) {
  command.text("http", options.http, "URL of ingest, such as http://127.0.0.1:8080").required();
  command.text(
      "api-key", options.api_key,
      "Sent as a bearer token, for what stands before ingest: ingest itself asks for none");
  command.number("batch", options.batch, 1, 10'000, "Events a request");
  command.duration("http-timeout", options.timeout, std::chrono::milliseconds(100),
                   "How long a reply may take");
  command.duration(
      "retry-for", options.retry_for, std::chrono::milliseconds(0),
      "How long a batch is tried again while the server is away or busy. A try that was "
      "begun in that time is awaited");
}

void print_line(const std::string& json) {
  std::printf("%s\n", json.c_str());
  std::fflush(stdout);
}

}  // namespace sluice
