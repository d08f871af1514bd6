#include "tools/sluice/node/workers.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "deliberation/tables.pb.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "storage/memory/memory_sink.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"
#include "tools/simulate/deliberation.h"

using namespace sluice;
using namespace std::chrono_literals;
using sluice::testing::TempDir;

namespace {

constexpr int kPartitions = 3;
const std::string kStream = "deliberation.events";

Projection rules() {
  for (const Projection& projection : projections()) {
    if (projection.name == "deliberation") return projection;
  }
  throw Misconfigured("deliberation was not built in");
}

Generation generation(int version) {
  return {.projection = "deliberation",
          .number = 1,
          .unique_id = "g",
          .version = version,
          .partitions = kPartitions,
          .dedupe_horizon = 24h,
          .live = true};
}

// A process's parts over a folder; views are those of a database that outlives it.
struct Node {
  Node(const std::filesystem::path& data, MemoryViews& views)
      : log(own_embedded_log(data, 16 << 20)),
        workers({rules()},
                {.data = data,
                 .instance = "test",
                 .workers = 1,
                 .partitions = kPartitions,
                 .memory = divide_memory(kLeastMemory, {.projectors = kPartitions}),
                 .flush_interval = 10ms},
                *log, [&views](const Projection&, int, const std::string&) {
                  return ViewSession{std::make_unique<MemorySink>(views)};
                }) {}

  std::unique_ptr<Log> log;
  Workers workers;
};

// Also those that a fold sends derived records to.
void create_streams(Log& log) {
  for (const Domain& domain : domains()) {
    log.topology()->create(stream_of(domain.name), kPartitions);
  }
}

void append(Log& log, simulate::DeliberationTraffic& traffic, int count) {
  const auto writer = log.writer();
  for (int i = 0; i < count; ++i) {
    const auto fact = traffic.next();
    const std::string value =
        simulate::envelope(*fact, Time(std::chrono::milliseconds(1'700'000'000'000 + i)))
            .SerializeAsString();
    NewRecord record{
        .partition = partition_of(fact->key, kPartitions), .key = fact->key, .value = value};
    writer->append(kStream, {&record, 1});
  }
}

// The sum of the positions of all partitions.
std::int64_t folded(const MemoryViews& views) {
  std::int64_t sum = 0;
  for (int p = 0; p < kPartitions; ++p) sum += views.position(Partition{p}).position.value;
  return sum;
}

}  // namespace

TEST_CASE("stopped workers have flushed what they folded, and go on from there") {
  const TempDir dir;
  MemoryViews views(generation(rules().version));
  simulate::DeliberationTraffic traffic(1, {.votes = 1000, .conversations = 5, .participants = 50});
  for (const int round : {1, 2}) {
    Node node(dir.path(), views);
    if (round == 1) create_streams(*node.log);
    append(*node.log, traffic, 100);
    std::stop_source stop;
    std::jthread running([&] { node.workers.run(stop.get_token()); });
    REQUIRE(
        sluice::testing::eventually([&] { return node.workers.probe().totals().folded >= 100; }));
    stop.request_stop();
    running.join();
    CHECK(folded(views) == round * 100);
    CHECK(node.workers.troubles().empty());
  }
}

TEST_CASE("a projection that cannot work says so and stops no other, nor the process") {
  const TempDir dir;
  const auto log = own_embedded_log(dir.path(), 16 << 20);
  create_streams(*log);
  std::atomic<bool> mended = false;
  MemoryViews older(generation(rules().version + 1));
  MemoryViews views(generation(rules().version));
  Generation others = generation(1);
  others.projection = "people";
  for (const Projection& each : projections()) {
    if (each.name == "people") others.version = each.version;
  }
  MemoryViews people(others);
  std::vector<Projection> both;
  for (const Projection& each : projections()) {
    if (each.name == "people" || each.name == "deliberation") both.push_back(each);
  }
  // An exception of no kind that anybody expects is no different.
  const bool unexpected = GENERATE(true, false);
  Workers workers(both,
                  {.data = dir.path(),
                   .instance = "test",
                   .partitions = 2 * kPartitions,
                   .memory = divide_memory(kLeastMemory, {.projectors = 2 * kPartitions})},
                  *log, [&](const Projection& projection, int, const std::string&) {
                    if (projection.name == "people")
                      return ViewSession{std::make_unique<MemorySink>(people)};
                    if (unexpected && !mended) throw std::length_error("nobody expects this");
                    return ViewSession{std::make_unique<MemorySink>(mended ? views : older)};
                  });
  std::stop_source stop;
  std::jthread running([&] { workers.run(stop.get_token()); });
  REQUIRE(sluice::testing::eventually([&] { return workers.troubles().size() == 1; }));
  CHECK_THAT(
      workers.troubles().at(0),
      Catch::Contains(unexpected ? "deliberation worker 0: nobody expects this"
                                 : "deliberation worker 0: deliberation was folded by version"));
  REQUIRE(sluice::testing::eventually(
      [&] { return people.position(Partition{0}).owner.find(":") != std::string::npos; }));
  mended = true;
  CHECK(sluice::testing::eventually([&] { return workers.troubles().empty(); }));
  stop.request_stop();
}

TEST_CASE("a state that cannot be opened names its folder, and its partition goes on without it") {
  const TempDir dir;
  MemoryViews views(generation(rules().version));
  simulate::DeliberationTraffic traffic(1, {.votes = 1000, .conversations = 5, .participants = 50});
  Node node(dir.path(), views);
  create_streams(*node.log);
  append(*node.log, traffic, 100);
  // A file is in the way of a partition's folder.
  const auto folder = dir.path() / "state" / "deliberation-g1" / "1";
  std::filesystem::create_directories(folder.parent_path());
  std::ofstream(folder) << "x";
  std::stop_source stop;
  std::jthread running([&] { node.workers.run(stop.get_token()); });
  REQUIRE(sluice::testing::eventually([&] { return node.workers.troubles().size() == 1; }));
  CHECK_THAT(node.workers.troubles().at(0), Catch::StartsWith("deliberation:1: ") &&
                                                Catch::Contains(folder.string()) &&
                                                Catch::Contains("delete that folder"));
  std::filesystem::remove(folder);
  CHECK(sluice::testing::eventually(
      [&] { return node.workers.troubles().empty() && folded(views) == 100; }));
  stop.request_stop();
}

TEST_CASE("a database that is away at the start is waited for") {
  const TempDir dir;
  MemoryViews views(generation(rules().version));
  const auto log = own_embedded_log(dir.path(), 16 << 20);
  create_streams(*log);
  std::atomic<int> tries = 0;
  Workers workers({rules()},
                  {.data = dir.path(),
                   .instance = "test",
                   .partitions = kPartitions,
                   .memory = divide_memory(kLeastMemory, {.projectors = kPartitions})},
                  *log, [&](const Projection&, int, const std::string&) {
                    if (++tries == 1) throw Retryable("no connection");
                    return ViewSession{std::make_unique<MemorySink>(views)};
                  });
  std::stop_source stop;
  std::jthread running([&] { workers.run(stop.get_token()); });
  REQUIRE(sluice::testing::eventually([&] { return tries >= 1 && !workers.troubles().empty(); }));
  CHECK_THAT(workers.troubles().at(0), Catch::Contains("no connection"));
  REQUIRE(sluice::testing::eventually([&] { return tries >= 2 && workers.troubles().empty(); }));
  stop.request_stop();
}
