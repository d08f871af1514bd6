#include "tests/contract/served_ingest.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice::testing {
namespace {

constexpr int kPartitions = 4;

IngestConfig of_one_domain(IngestConfig config) {
  config.partitions = {{"deliberation", kPartitions}};
  config.port = 0;
  config.threads = 1;
  return config;
}

}  // namespace

ServedIngest::ServedIngest(IngestConfig config, EventWriter* other, EventWriter* patient) {
  log.create("deliberation.events", kPartitions);
  writer = log.writer();
  ingest = std::make_unique<Ingest>(
      domains(), of_one_domain(std::move(config)),
      IngestParts{.writer = other == nullptr ? *writer : *other,
                  .metrics = metrics,
                  .unready = [this] { return unready; },
                  .clock = [] { return Time{std::chrono::milliseconds{1000}}; },
                  .patient_writer = patient,
                  .refuses = [this](std::string_view) { return refused; }});
  ingest->start();
}

std::string ServedIngest::exchange(std::string_view bytes) const {
  http::Client client(port());
  client.send(bytes);
  return client.rest();
}

std::string ServedIngest::send(std::string_view line) const {
  return exchange(std::string(line) + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
}

std::string ServedIngest::post(std::string_view body, std::string_view type,
                               std::string_view fields) const {
  return exchange(post_request(body, "Content-Type: " + std::string(type) +
                                         "\r\nConnection: close\r\n" + std::string(fields)));
}

std::vector<Envelope> ServedIngest::logged() {
  std::vector<Envelope> all;
  for (int p = 0; p < kPartitions; ++p) {
    for (const auto& record : log.records("deliberation.events", Partition{p})) {
      CHECK(all.emplace_back().ParseFromString(std::string(record.value())),
            "ingest appends envelopes");
    }
  }
  return all;
}

std::string post_request(std::string_view body, std::string_view fields) {
  return "POST /v1/deliberation/events HTTP/1.1\r\nHost: t\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string vote(std::string_view members, std::string_view data) {
  return R"({"specversion":"1.0","type":"vote.set","source":"/t",)" + std::string(members) +
         R"("data":)" + std::string(data) + "}";
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string field_of(std::string_view reply, std::string_view name) {
  const std::string line = "\r\n" + std::string(name) + ": ";
  const std::size_t at = reply.find(line);
  if (at == std::string_view::npos) return {};
  reply.remove_prefix(at + line.size());
  return std::string(reply.substr(0, reply.find("\r\n")));
}

}  // namespace sluice::testing
