#pragma once

// The ingest service: HTTP in, admitted events out to the log. Holds no database connection.

#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ingest/appender.h"
#include "ingest/decoder.h"
#include "ingest/decoder_pool.h"
#include "ingest/domain_codec.h"
#include "ingest/http/server.h"
#include "ingest/ingest_probe.h"
#include "ingest/stamp_clock.h"
#include "schemas/descriptors/domain.h"
#include "storage/event_log.h"

namespace sluice {

struct IngestConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any
  int threads = 2;
  http::Limits http;
  DecoderLimits decoder;
  AppenderLimits appender;
  // How many partitions the stream of each domain that is served has.
  std::map<std::string, int, std::less<>> partitions;
};

struct IngestParts {
  EventWriter& writer;  // used by the appender's thread alone
  prometheus::Registry& metrics;
  // What is not able to work, a line each; empty: ready. Called on any thread of the server.
  std::function<std::vector<std::string>()> unready;
  std::function<Time()> clock = StampClock::system_now;
  // Adds to the metrics that are shown those of the rest of the process. Called on any thread of
  // the server.
  std::function<void(std::vector<prometheus::MetricFamily>&)> add_metrics =
      [](std::vector<prometheus::MetricFamily>&) {};
  // What wants to be looked at though all works: /readyz says it behind "ready". Empty: nothing.
  std::function<std::string()> advice = [] { return std::string(); };
  // For partitions that do not take what `writer` gives them, while others do: used by a thread of
  // its own, and may wait longer. Null: such posts are refused.
  EventWriter* patient_writer = nullptr;
  // Why the domain takes no posts now (503); nullopt: it does. Called on any thread of the server.
  std::function<std::optional<std::string>(std::string_view domain)> refuses =
      [](std::string_view) { return std::nullopt; };
  // What the appender asks of the log, and tells about it.
  AppendedLog log = {};
};

class Ingest {
 public:
  // Binds; Misconfigured when the address cannot be bound. `domains` are all that were built in.
  Ingest(std::span<const Domain> domains, const IngestConfig& config, IngestParts parts);
  // Drains, when drain() was not called.
  ~Ingest();

  void start();
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  // What connections hold of memory. Any thread.
  [[nodiscard]] std::size_t memory_bytes() const { return server_.memory_held(); }

  // Refuses new posts (503), finishes what was taken, closes. Returns after `deadline` at the
  // latest with the log's own deadline on top.
  void drain(std::chrono::milliseconds deadline);

 private:
  void answer(http::Request&& request, http::Responder respond);
  // Who may post what, and how often, is asked here, before the body is looked at: the one place
  // for authentication and rate limits.
  void post(const DomainCodec& codec, http::Request&& request, http::Responder respond);
  using Reply = std::function<void(http::Response)>;
  void finish(const DomainCodec& codec, const Appended& appended, const Reply& reply);
  [[nodiscard]] http::Response get(const http::Request& request);
  [[nodiscard]] http::Response metrics();
  [[nodiscard]] const DomainCodec* find(std::string_view domain) const;
  // What to tell a caller who asks for one that there is not.
  [[nodiscard]] std::string no_domain(std::string_view domain) const;

  const IngestParts parts_;
  StampClock clock_;
  std::vector<DomainCodec> codecs_;
  const std::string openapi_;
  const std::size_t event_bytes_;
  DecoderPool decoders_;
  IngestProbe probe_;
  Appender appender_;
  std::atomic<bool> draining_ = false;
  std::jthread append_thread_;
  std::jthread patient_thread_;
  http::Server server_;
};

}  // namespace sluice
