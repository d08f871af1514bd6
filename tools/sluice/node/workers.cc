#include "tools/sluice/node/workers.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <thread>

#include "projectors/engine/run/worker.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/node/data_folder.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLongestPause{5000};

// Of what changed rows may have: rows that are computed and wait for a flush.
constexpr std::uint64_t kComputedPart = 8;

// Half of the cores are for folding.
unsigned computing_threads() { return std::max(1u, std::thread::hardware_concurrency() / 2); }

// HOST:PROCESS:START, as the owners of partitions begin: tells this start of the process from all
// others, and people where to look for it.
std::string this_start() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {"localhost"};
  return std::string(host.data()) + ":" + std::to_string(::getpid()) + ":" + random_id();
}

// Returns early when stopped.
void pause(milliseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, length, [] { return false; });
}

}  // namespace

Workers::Workers(std::vector<Projection> projections, WorkersConfig config, Log& log,
                 OpenSink open_sink)
    : projections_(std::move(projections)),
      config_(std::move(config)),
      start_(this_start()),
      log_(log),
      open_sink_(std::move(open_sink)),
      resources_(config_.memory.state, config_.partitions),
      rows_({.changed = config_.memory.dirty_rows,
             .at_hand = config_.memory.row_cache,
             .orders = config_.memory.orders},
            config_.partitions),
      computations_({.interval_min = config_.math_interval_min},
                    {.bytes = config_.memory.dirty_rows / kComputedPart}) {
  make_closed_folder(config_.data / "state");
}

void Workers::run(const std::stop_token& stop) {
  const std::stop_callback passed_on(stop, [this] { give_up_.request_stop(); });
  {
    // These outlive the workers, whose partitions stop what is computed of them.
    std::vector<std::jthread> computing;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < computing_threads(); ++i) {
      computing.emplace_back([this](const std::stop_token& ended) { computations_.run(ended); });
    }
    for (const Projection& projection : projections_) {
      for (int number = 0; number < config_.workers; ++number) {
        threads.emplace_back(
            [this, &projection, number] { work(projection, number, give_up_.get_token()); });
      }
    }
  }
  const std::lock_guard lock(mutex_);
  if (misconfigured_) throw Misconfigured(*misconfigured_);
}

// A worker rides out what fails while it runs; what fails before, its sink being away, is tried
// again here.
void Workers::work(const Projection& projection, int number, const std::stop_token& stop) {
  const std::string name = std::string(projection.name) + " worker " + std::to_string(number);
  milliseconds length = kFirstPause;
  while (!stop.stop_requested()) {
    try {
      work_once(projection, number, stop);
      probe_.running(name);
      return;
    } catch (const Retryable& failure) {
      spdlog::warn("worker waits projection={} worker={} retry_ms={} error=\"{}\"", projection.name,
                   number, length.count(), failure.what());
      probe_.stopped(name, failure.what());
      pause(length, stop);
      length = std::min(length * 2, kLongestPause);
    } catch (const Misconfigured& failure) {
      const std::lock_guard lock(mutex_);
      if (!misconfigured_) misconfigured_ = failure.what();
      give_up_.request_stop();
    } catch (const Error& failure) {
      spdlog::error("worker stopped projection={} worker={} error=\"{}\"", projection.name, number,
                    failure.what());
      probe_.stopped(name, failure.what());
      return;
    }
  }
}

void Workers::work_once(const Projection& projection, int number, const std::stop_token& stop) {
  const auto sink = open_sink_(projection);
  const Generation generation = sink->generation();
  const auto topology = log_.topology();
  const auto writer = log_.writer();
  const GroupMember member{
      .group = "sluice." + generation.projection + ".g" + std::to_string(generation.number),
      .instance = config_.instance,
      .number = number,
      .workers = config_.workers};
  WorkerConfig config;
  config.name = std::string(projection.name) + " worker " + std::to_string(number);
  config.instance = start_ + "/" + std::to_string(number);
  config.pace.interval = config_.flush_interval;
  config.wall = [this] { return log_.now(); };
  config.limits.dedupe.filter_bytes_max =
      config_.memory.dedupe / static_cast<std::uint64_t>(config_.partitions);
  Worker worker(projection, config,
                {.open_reader =
                     [&](Ownership& ownership) {
                       return log_.reader(stream_of(projection.name), member, ownership);
                     },
                 .open_store = [&](Partition partition) -> std::unique_ptr<StateStore> {
                   return std::make_unique<RocksStateStore>(state_folder(generation, partition),
                                                            resources_);
                 },
                 .topology = *topology,
                 .writer = *writer,
                 .sink = *sink,
                 .probe = probe_,
                 .memory = rows_,
                 .computations = &computations_});
  probe_.running(config.name);
  worker.run(stop);
}

std::filesystem::path Workers::state_folder(const Generation& generation,
                                            Partition partition) const {
  return config_.data / "state" /
         (generation.projection + "-g" + std::to_string(generation.number)) /
         std::to_string(partition.value);
}

std::vector<std::string> Workers::troubles() const {
  std::vector<std::string> all;
  for (const auto& [what, why] : probe_.totals().stopped) all.push_back(what + ": " + why);
  return all;
}

}  // namespace sluice
