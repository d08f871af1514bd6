#include "tools/sluice/node/workers.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

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
constexpr milliseconds kLongestPause{2000};

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

std::string group_of(std::string_view projection, int generation) {
  return "sluice." + std::string(projection) + ".g" + std::to_string(generation);
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
                 OpenSink open_sink, std::unique_ptr<ViewMonitor> views)
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
                    {.bytes = config_.memory.dirty_rows / kComputedPart}),
      views_(std::move(views)),
      topology_(log.quick_topology()),
      cluster_(log.quick_cluster()) {
  (void)closed_folder(config_.data, "state");
  if (views_)
    monitor_.emplace(watched(), MonitorParts{*views_, *topology_, cluster_.get(), probe_});
}

MonitorConfig Workers::watched() const {
  MonitorConfig config{.projections = {}, .instance = start_, .member = config_.instance};
  for (const Projection& projection : projections_) {
    config.projections.push_back(
        {std::string(projection.name), stream_of(projection.name), group_of(projection.name, 1)});
  }
  return config;
}

void Workers::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    monitor_->look();
    pause(Monitor::kBetweenLooks, stop);
  }
}

void Workers::run(const std::stop_token& stop) {
  // Also when not all threads can be started: those that were are told to end before they are
  // waited for.
  std::stop_source end;
  const std::stop_callback passed_on(stop, [&end] { end.request_stop(); });
  // These outlive the workers, whose partitions stop what is computed of them.
  std::vector<std::jthread> computing;
  std::vector<std::jthread> threads;
  const std::unique_ptr<std::stop_source, void (*)(std::stop_source*)> guard(
      &end, [](std::stop_source* source) { source->request_stop(); });
  for (unsigned i = 0; i < computing_threads(); ++i) {
    computing.emplace_back([this](const std::stop_token& ended) { computations_.run(ended); });
  }
  if (monitor_) threads.emplace_back([this, token = end.get_token()] { watch(token); });
  for (const Projection& projection : projections_) {
    for (int number = 0; number < config_.workers; ++number) {
      threads.emplace_back([this, &projection, number, token = end.get_token()] {
        work(projection, number, token);
      });
    }
  }
  for (std::jthread& thread : threads) thread.join();
}

// A worker rides out what fails of a partition. What fails before it has any, or of all of them, is
// tried again here: it may be a database that is away, or something that a person changes while
// other projections go on.
void Workers::work(const Projection& projection, int number, const std::stop_token& stop) {
  const std::string name = std::string(projection.name) + " worker " + std::to_string(number);
  std::string told;
  milliseconds length = kFirstPause;
  while (!stop.stop_requested()) {
    try {
      work_once(projection, number, stop);
      probe_.running(name);
      return;
    } catch (const std::exception& failure) {
      probe_.stopped(name, failure.what());
      if (std::exchange(told, failure.what()) != failure.what()) {
        spdlog::error("worker waits projection={} worker={} error=\"{}\"", projection.name, number,
                      failure.what());
        length = kFirstPause;
      }
    }
    pause(length, stop);
    length = std::min(length * 2, kLongestPause);
  }
}

// A folder that cannot be opened may be deleted while we run: then the partition goes on.
std::unique_ptr<StateStore> Workers::open_store(const std::filesystem::path& folder) const {
  try {
    return std::make_unique<RocksStateStore>(folder, resources_);
  } catch (const std::exception& failure) {
    throw Retryable(std::string(failure.what()) + ": the state in " + folder.string() +
                    " cannot be opened. Give this process what it lacks, or delete that folder: "
                    "then this partition alone is folded again from the beginning of its log");
  }
}

void Workers::work_once(const Projection& projection, int number, const std::stop_token& stop) {
  // As people find it in pg_stat_activity.
  const std::string session = "sluice " + std::string(projection.name) + "/" +
                              std::to_string(number) + " " + start_.substr(start_.rfind(':') + 1);
  const auto sink = open_sink_(projection, session);
  const Generation generation = sink->generation();
  const auto topology = log_.topology();
  const auto writer = log_.writer();
  const GroupMember member{.group = group_of(generation.projection, generation.number),
                           .instance = config_.instance,
                           .number = number,
                           .workers = config_.workers};
  WorkerConfig config;
  config.name = std::string(projection.name) + " worker " + std::to_string(number);
  config.instance = start_ + "/" + std::to_string(number);
  config.session = session;
  config.pace.interval = config_.flush_interval;
  config.wall = [this] { return log_.now(); };
  config.limits.dedupe.filter_bytes_max =
      config_.memory.dedupe / static_cast<std::uint64_t>(config_.partitions);
  Worker worker(
      projection, config,
      {.open_reader =
           [&](Ownership& ownership) {
             return log_.reader(stream_of(projection.name), member, ownership);
           },
       .open_store =
           [&](Partition partition) { return open_store(state_folder(generation, partition)); },
       .topology = *topology,
       .writer = *writer,
       .sink = *sink,
       .probe = probe_,
       .memory = rows_,
       .computations = &computations_,
       .wrong_log = [&] { return config_.wrong_log(projection.name); }});
  probe_.running(config.name);
  worker.run(stop);
}

std::filesystem::path Workers::state_folder(const Generation& generation,
                                            Partition partition) const {
  return config_.data / "state" /
         (generation.projection + "-g" + std::to_string(generation.number)) /
         std::to_string(partition.value);
}

std::vector<UnownedPartition> Workers::unowned() const {
  return monitor_ ? monitor_->unowned() : std::vector<UnownedPartition>();
}

std::vector<std::string> Workers::troubles() const {
  std::vector<std::string> all;
  for (const auto& [what, why] : probe_.totals().stopped) all.push_back(what + ": " + why);
  if (!monitor_) return all;
  for (std::string& trouble : monitor_->troubles()) all.push_back(std::move(trouble));
  return all;
}

}  // namespace sluice
