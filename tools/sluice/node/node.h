#pragma once

// The whole system in one process: a log, a database, projectors and ingest. `sluice up` runs it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "projectors/engine/quarantine/quarantine.h"
#include "tools/sluice/node/new_versions.h"
#include "tools/sluice/node/self_audit.h"
#include "tools/sluice/node/snapshot_keeper.h"

namespace sluice {

struct NodeConfig {
  std::string data;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string brokers;  // of Kafka; empty: the embedded log
  std::vector<std::string> kafka;
  std::string postgres;  // empty: a private cluster below `data`
  std::vector<std::string> domains;
  NewVersionRule new_versions = NewVersionRule::rebuild;
  std::uint64_t memory = std::uint64_t{512} << 20;
  int partitions = 4;
  int workers = 1;  // of each projection
  int http_threads = 2;
  std::chrono::milliseconds flush_interval{250};
  std::chrono::milliseconds math_interval_min{1000};
  std::chrono::milliseconds dedupe_horizon{std::chrono::hours(24)};
  std::chrono::milliseconds quarantine_retention{std::chrono::hours(7 * 24)};
  std::int64_t parked_limit = kParkedLimit;
  bool no_key_index = false;
  double audit = kAuditShare;  // of a core; 0: rows are not audited
  SnapshotOptions snapshots;
};

// Where a started node is found.
struct NodeAddresses {
  std::string http;
  std::string postgres;  // for commands and operators
  std::string reader;    // for applications: what reads, and changes nothing
};

class Node {
 public:
  // Starts everything; it works when this returns. The calling thread must live as long as the
  // process. Misconfigured says what to change; Retryable: Postgres stayed away.
  Node(const NodeConfig& config, const std::stop_token& stop);
  // Stops what run() did not.
  ~Node();

  [[nodiscard]] const NodeAddresses& addresses() const;

  // Waits until every partition of its domains is taken, by this process or another of its group:
  // for some seconds, and not when it is told to stop. Returns those that are not, each with why:
  // "deliberation:3: ...".
  [[nodiscard]] std::vector<std::string> wait_until_taken(const std::stop_token& stop);

  // Until stopped: then refuses new posts, flushes, stops the database. Stops as well, and throws,
  // when no thread can be started.
  void run(const std::stop_token& stop);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice
