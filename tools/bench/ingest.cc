// What it costs to take events by HTTP, beside the same server without events, and the same log
// without HTTP.
//
// usage: bench_ingest SCRIPT FOLDER SECONDS memory|embedded
//        bench_ingest SCRIPT FOLDER SECONDS kafka BROKERS
//
// SCRIPT is post.lua, by which wrk posts bodies that this program makes in FOLDER, for SECONDS
// each.

#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/http/server.h"
#include "ingest/ingest.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/check.h"
#include "storage/base/partitioner.h"
#include "storage/memory/memory_log.h"
#include "tools/bench/cpu_time.h"
#include "tools/bench/floor.h"
#include "tools/simulate/deliberation.h"
#include "tools/sluice/node/log.h"

namespace sluice::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::duration;
using std::chrono::steady_clock;

constexpr int kPartitions = 4;
constexpr std::string_view kDomain = "deliberation";
constexpr std::size_t kBodies = 16;
constexpr std::size_t kBatch = 1'000;
constexpr std::size_t kSingles = 1'000;
constexpr int kThreads = 2;
constexpr int kConnections = 64;

struct Shape {
  std::string name;
  std::string content_type;
  std::size_t bodies;
  std::size_t events;  // of a body
};

struct Posted {
  std::string json;
  std::string key;
  std::string envelope;
};

std::vector<Posted> make_events(std::size_t count) {
  simulate::DeliberationTraffic traffic(1, {});
  std::vector<Posted> made;
  const Time now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const simulate::DeliberationShape shape;
  // Conversations come first, and are few.
  for (int i = 0; i < shape.conversations; ++i) {
    CHECK(traffic.next().has_value(), "there are more facts than conversations");
  }
  while (made.size() < count) {
    const auto fact = traffic.next();
    CHECK(fact.has_value(), "there are more votes than events");
    made.push_back({simulate::cloud_event(*fact), fact->key,
                    simulate::envelope(*fact, now).SerializeAsString()});
  }
  return made;
}

void write_body(const fs::path& folder, std::size_t number, std::string_view body) {
  fs::create_directories(folder);
  std::ofstream file(folder / std::to_string(number), std::ios::binary);
  file << body;
  CHECK(file.flush().good(), "the folder can be written");
}

std::vector<Shape> write_bodies(const fs::path& folder, const std::vector<Posted>& events) {
  for (std::size_t i = 0; i < kSingles; ++i) write_body(folder / "single", i, events[i].json);
  for (std::size_t i = 0; i < kBodies; ++i) {
    std::string lines;
    std::string array = "[";
    EnvelopeBatch batch;
    for (std::size_t j = i * kBatch; j < (i + 1) * kBatch; ++j) {
      lines += events[j].json + "\n";
      array += (array.size() > 1 ? "," : "") + events[j].json;
      CHECK(batch.add_events()->ParseFromString(events[j].envelope), "our own bytes");
    }
    write_body(folder / "lines", i, lines);
    write_body(folder / "batch", i, array + "]");
    write_body(folder / "protobuf", i, batch.SerializeAsString());
  }
  return {{"single", "application/cloudevents+json", kSingles, 1},
          {"lines", "application/x-ndjson", kBodies, kBatch},
          {"batch", "application/cloudevents-batch+json", kBodies, kBatch},
          {"protobuf", "application/x-protobuf", kBodies, kBatch}};
}

// What wrk says, and what this process used meanwhile.
struct Run {
  long long requests = 0;
  long long failed = 0;
  long long median_us = 0;
  long long percentile_99_us = 0;
  double seconds = 0;
  double cpu_seconds = 0;
};

struct Load {
  std::string script;
  fs::path bodies;
  int seconds;
};

Run post(const Load& load, const Shape& shape, std::uint16_t port) {
  const std::string command =
      "wrk -t1 -c" + std::to_string(kConnections) + " -d" + std::to_string(load.seconds) + "s -s " +
      load.script + " http://127.0.0.1:" + std::to_string(port) + "/v1/" + std::string(kDomain) +
      "/events -- " + shape.content_type + " " + (load.bodies / shape.name).string() + " " +
      std::to_string(shape.bodies);
  const auto begun = steady_clock::now();
  const auto cpu_begun = process_cpu();
  FILE* wrk = popen(command.c_str(), "r");
  CHECK(wrk != nullptr, "a process can be started");
  Run run;
  std::array<char, 512> line{};
  bool said = false;
  while (std::fgets(line.data(), line.size(), wrk) != nullptr) {
    said = said || std::sscanf(line.data(), "posted %lld %lld %lld %lld", &run.requests,
                               &run.failed, &run.median_us, &run.percentile_99_us) == 4;
  }
  CHECK(pclose(wrk) == 0 && said, "wrk runs");
  run.cpu_seconds = duration<double>(process_cpu() - cpu_begun).count();
  run.seconds = duration<double>(steady_clock::now() - begun).count();
  return run;
}

void print(std::string_view what, const Shape& shape, const Run& run) {
  const double requests = static_cast<double>(run.requests);
  const double events = requests * static_cast<double>(shape.events);
  std::printf("| %s, %s | %.0f | %.0f | %.2f | %.0f | %.1f / %.1f |%s\n", std::string(what).c_str(),
              shape.name.c_str(), requests / run.seconds, events / run.seconds,
              run.cpu_seconds / events * 1e6, events / run.cpu_seconds,
              static_cast<double>(run.median_us) / 1e3,
              static_cast<double>(run.percentile_99_us) / 1e3,
              run.failed > 0 ? (" " + std::to_string(run.failed) + " FAILED").c_str() : "");
  std::fflush(stdout);
}

// The same HTTP, answered at once with as many bytes as a single event's answer has.
void bare_http(const Load& load, const std::vector<Shape>& shapes) {
  http::Server server(
      {}, "127.0.0.1", 0, kThreads,
      [](http::Request&&, http::Responder respond) {
        respond({202, "application/json", std::string(90, ' '), {}, false});
      },
      [](int status, std::string_view detail) {
        return http::Response{status, "text/plain", std::string(detail), {}, false};
      });
  server.start();
  for (const Shape& shape : shapes) print("bare HTTP", shape, post(load, shape, server.port()));
}

// The same records handed to the log, a batch at a time.
void bare_append(std::string_view what, EventWriter& writer, const std::vector<Posted>& events) {
  std::vector<NewRecord> records;
  for (const Posted& event : events) {
    records.push_back({partition_of(event.key, kPartitions), event.key, event.envelope});
  }
  constexpr std::size_t kRounds = 20;
  const auto begun = steady_clock::now();
  const auto cpu_begun = process_cpu();
  for (std::size_t round = 0; round < kRounds; ++round) {
    writer.append(stream_of(kDomain), records);
  }
  const double appended = static_cast<double>(kRounds * records.size());
  const double cpu = duration<double>(process_cpu() - cpu_begun).count();
  const double took = duration<double>(steady_clock::now() - begun).count();
  std::printf("| %s | | %.0f | %.2f | %.0f | |\n", std::string(what).c_str(), appended / took,
              cpu / appended * 1e6, appended / cpu);
  std::fflush(stdout);
}

void ingest(const Load& load, std::string_view what, const Shape& shape, EventWriter& writer) {
  prometheus::Registry metrics;
  IngestConfig config;
  config.port = 0;
  config.threads = kThreads;
  config.partitions.emplace(kDomain, kPartitions);
  Ingest service(domains(), config, {.writer = writer, .metrics = metrics, .unready = [] {
                                       return std::vector<std::string>{};
                                     }});
  service.start();
  print(what, shape, post(load, shape, service.port()));
}

int run(const std::vector<std::string>& words) {
  if (words.size() < 4) {
    std::fputs("usage: see the head of tools/bench/ingest.cc\n", stderr);
    return 2;
  }
  spdlog::set_level(spdlog::level::warn);
  const Load load{words[0], fs::path(words[1]) / "bodies", std::stoi(words[2])};
  const std::string& kind = words[3];
  const auto events = make_events(kBodies * kBatch);
  const auto shapes = write_bodies(load.bodies, events);
  if (kind == "memory") {
    bare_http(load, shapes);
    for (const Shape& shape : shapes) {
      MemoryLog log([] { return Time{}; });
      log.create(stream_of(kDomain), kPartitions);
      ingest(load, "memory", shape, *log.writer());
    }
    return 0;
  }
  constexpr std::uint64_t kLogMemory = std::uint64_t{64} << 20;
  const auto log = kind == "kafka" ? kafka_log(words.at(4), {}, kLogMemory)
                                   : own_embedded_log(fs::path(words[1]) / "data", kLogMemory);
  log->topology()->create(stream_of(kDomain), kPartitions);
  if (kind == "kafka") {
    std::vector<std::pair<std::string, std::string>> records;
    for (const Posted& event : events) records.emplace_back(event.key, event.envelope);
    produce_bare(words.at(4), stream_of(kDomain), records);
  }
  const auto writer = log->writer();
  bare_append("append alone to " + kind, *writer, events);
  for (const Shape& shape : shapes) ingest(load, kind, shape, *writer);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(std::vector<std::string>(argv + 1, argv + argc));
}
