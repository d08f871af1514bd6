#pragma once

// Ingest over a memory log, and requests to it over real sockets.

#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/http/raw_client.h"
#include "ingest/ingest.h"
#include "sluice/envelope.pb.h"
#include "storage/memory/memory_log.h"

namespace sluice::testing {

inline constexpr std::string_view kStructured = "application/cloudevents+json";
inline constexpr std::string_view kBatched = "application/cloudevents-batch+json";
inline constexpr std::string_view kLines = "application/x-ndjson";
inline constexpr std::string_view kProtobuf = "application/x-protobuf";

class ServedIngest {
 public:
  // Domains, partitions and the port are chosen here. `writer`: instead of the log's own.
  // `patient`: for partitions that do not move.
  explicit ServedIngest(IngestConfig config = {}, EventWriter* writer = nullptr,
                        EventWriter* patient = nullptr);

  [[nodiscard]] std::uint16_t port() const { return ingest->port(); }
  // Sends the bytes on a connection of its own and returns what came until the server closed it.
  [[nodiscard]] std::string exchange(std::string_view bytes) const;
  // A request without a body: "GET /healthz".
  [[nodiscard]] std::string send(std::string_view line) const;
  [[nodiscard]] std::string post(std::string_view body, std::string_view type = kStructured,
                                 std::string_view fields = "") const;
  // Every record of every partition.
  [[nodiscard]] std::vector<Envelope> logged();

  MemoryLog log{[] { return Time{}; }};
  std::unique_ptr<EventWriter> writer;
  prometheus::Registry metrics;
  std::vector<std::string> unready;
  std::optional<std::string> refused;  // why no posts are taken
  std::unique_ptr<Ingest> ingest;
};

// A post to the deliberation domain, as bytes.
[[nodiscard]] std::string post_request(std::string_view body, std::string_view fields);

// A vote.set, with further members of the event, each followed by a comma.
inline constexpr std::string_view kVoteData =
    R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":"agree"})";
[[nodiscard]] std::string vote(std::string_view members = R"("id":"e",)",
                               std::string_view data = kVoteData);

[[nodiscard]] bool has(std::string_view text, std::string_view part);
// The value of a reply's header field; empty when it has none.
[[nodiscard]] std::string field_of(std::string_view reply, std::string_view name);

}  // namespace sluice::testing
