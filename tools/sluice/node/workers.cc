#include "tools/sluice/node/workers.h"

#include "tools/sluice/cli/pause.h"
#include "tools/sluice/records/partition_records.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "projectors/engine/run/worker.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/snapshots/folder_snapshots.h"

namespace sluice {
namespace {

// Opened when it is first asked: hardly any key is ever repaired.
ReadRecord read_records(Log& log, const std::string& stream, Partition partition) {
  auto records = std::make_shared<std::unique_ptr<PartitionRecords>>();
  return [&log, stream, partition, records](Offset offset) {
    if (!*records) *records = std::make_unique<PartitionRecords>(log, stream, partition);
    return (*records)->at(offset);
  };
}

std::filesystem::path generation_folder(const std::filesystem::path& data,
                                        const std::string& projection, int generation) {
  return data / "state" / (projection + "-g" + std::to_string(generation));
}

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLongestPause{2000};
constexpr milliseconds kBetweenCrews{200};

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

// Which of a projection's generations, where that needs to be said.
std::string in_words(const CrewPlace& place) {
  return place.generation <= 1 ? "" : ".g" + std::to_string(place.generation);
}

std::string worker_name(const CrewPlace& place, int number) {
  return place.projection + in_words(place) + " worker " + std::to_string(number);
}

bool is_folded(const GenerationSeen& seen) {
  return seen.status != "failed" && seen.status != "retired";
}

// Where damaged state is kept for people to look at: the last of the partition.
constexpr const char* kDamaged = ".damaged";

bool set_aside(const std::filesystem::path& state, const Corrupt& damage) {
  spdlog::error("state set aside folder={} error=\"{}\"", state.string() + kDamaged, damage.what());
  std::error_code failed;
  std::filesystem::remove_all(state.string() + kDamaged, failed);
  std::filesystem::rename(state, state.string() + kDamaged, failed);
  return !failed;
}

// What a death has left of snapshots and restores stands beside the state: "3.restoring".
void remove_scaffolds(const std::filesystem::path& state) {
  std::error_code failed;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(state.parent_path(), failed)) {
    const std::string name = entry.path().filename().string();
    const bool is_scaffold = entry.path().extension() != kDamaged;
    if (is_scaffold && name.starts_with(state.filename().string() + "."))
      left.push_back(entry.path());
  }
  for (const auto& each : left) std::filesystem::remove_all(each, failed);
}

}  // namespace

Workers::Workers(std::vector<Projection> projections, WorkersConfig config, Log& log,
                 OpenView open_view, std::unique_ptr<ViewMonitor> views)
    : projections_(std::move(projections)),
      config_(std::move(config)),
      start_(this_start()),
      log_(log),
      open_view_(std::move(open_view)),
      resources_(config_.memory.state, config_.partitions),
      snapshots_(errands_,
                 [this](const ErrandPlace& place) {
                   return generation_folder(config_.data, place.projection, place.generation) /
                          (std::to_string(place.partition.value) + ".checkpoint-" + random_id());
                 }),
      rows_({.changed = config_.memory.dirty_rows,
             .at_hand = config_.memory.row_cache,
             .orders = config_.memory.orders},
            config_.partitions),
      filters_(config_.memory.dedupe),
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
    const std::string name(projection.name);
    config.projections.push_back(
        {name, stream_of(name), [name](int generation) { return group_of(name, generation); }});
  }
  return config;
}

void Workers::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    monitor_->look();
    tell_left_alone();
    tell_quarantined();
    pause(Monitor::kBetweenLooks, stop);
  }
}

// A line for each, once.
void Workers::tell_left_alone() {
  std::set<std::string> left;
  for (const std::string& each : left_alone()) {
    if (!left_told_.contains(each)) spdlog::warn("generation left alone reason=\"{}\"", each);
    left.insert(each);
  }
  left_told_ = std::move(left);
}

// Without reasons: what rules throw may say what users wrote, which no deletion takes from a log.
void Workers::tell_quarantined() {
  for (const auto& entered : quarantined_.at(QuarantineNews::Clock::now(), probe_.counts())) {
    spdlog::warn(
        "records entered quarantine projection={} records={} partition=\"{}\" position={} "
        "next=\"sluice quarantine list\"",
        entered.projection, entered.records, entered.partition, entered.position.value);
  }
}

std::vector<GenerationSeen> Workers::generations() const {
  return monitor_ ? monitor_->generations() : std::vector<GenerationSeen>();
}

// Where none is of this program's version, the worker of the live one says so.
std::set<CrewPlace> Workers::wanted() const {
  const std::vector<GenerationSeen> seen = generations();
  std::set<CrewPlace> wanted;
  if (monitor_ && seen.empty()) return wanted;
  for (const Projection& projection : projections_) {
    const std::string name(projection.name);
    std::size_t folded = 0;
    for (const GenerationSeen& each : seen) {
      if (each.projection != name || !is_folded(each)) continue;
      if (each.version != projection.version) continue;
      wanted.insert({name, each.number});
      ++folded;
    }
    if (folded == 0) wanted.insert({name, 0});
  }
  return wanted;
}

std::vector<std::string> Workers::left_alone() const {
  std::vector<std::string> all;
  for (const GenerationSeen& each : generations()) {
    const int version = projection(each.projection).version;
    if (!is_folded(each) || each.version == version) continue;
    all.push_back(each.projection + " generation " + std::to_string(each.number) + " (" +
                  each.status + ") is of version " + std::to_string(each.version) +
                  " of the rules, this program has " + std::to_string(version) +
                  ": it is left to a program of that version");
  }
  return all;
}

// What a generation left on the disk.
void Workers::forget_retired(const std::set<CrewPlace>& folded) {
  for (const GenerationSeen& each : generations()) {
    if (each.status != "retired" || folded.contains({each.projection, each.number})) continue;
    const auto folder = generation_folder(config_.data, each.projection, each.number);
    std::error_code failed;
    if (!std::filesystem::exists(folder, failed)) continue;
    std::filesystem::remove_all(folder, failed);
    spdlog::info("state of a retired generation removed folder={} error=\"{}\"", folder.string(),
                 failed ? failed.message() : "");
  }
}

const Projection& Workers::projection(std::string_view name) const {
  const auto found = std::ranges::find(projections_, name, &Projection::name);
  CHECK(found != projections_.end(), "only what is projected here is asked for");
  return *found;
}

double Workers::share_of(const CrewPlace& place) const {
  for (const GenerationSeen& each : generations()) {
    if (each.projection == place.projection && each.number == place.generation) return each.share;
  }
  return 1;
}

void Workers::run(const std::stop_token& stop) {
  // These outlive the workers, whose partitions stop what is computed of them.
  std::vector<std::jthread> computing;
  for (unsigned i = 0; i < computing_threads(); ++i) {
    computing.emplace_back([this](const std::stop_token& ended) { computations_.run(ended); });
  }
  std::jthread watching;
  if (monitor_) watching = std::jthread([this](const std::stop_token& end) { watch(end); });
  Crews crews(config_.workers, [this](const CrewPlace& place, int number,
                                      const std::stop_token& end) { work(place, number, end); });
  while (!stop.stop_requested()) {
    const std::set<CrewPlace> folded = wanted();
    crews.set(folded);
    forget_retired(folded);
    pause(kBetweenCrews, stop);
  }
}

// A worker rides out what fails of a partition. What fails before it has any, or of all of them, is
// tried again here: it may be a database that is away, or something that a person changes while
// other projections go on.
void Workers::work(const CrewPlace& place, int number, const std::stop_token& stop) {
  const std::string name = worker_name(place, number);
  std::string told;
  milliseconds length = kFirstPause;
  while (!stop.stop_requested()) {
    try {
      work_once(place, number, stop);
      break;
    } catch (const std::exception& failure) {
      probe_.stopped(name, failure.what());
      if (std::exchange(told, failure.what()) != failure.what()) {
        spdlog::error("worker waits projection={} generation={} worker={} error=\"{}\"",
                      place.projection, place.generation, number, failure.what());
        length = kFirstPause;
      }
    }
    pause(length, stop);
    length = std::min(length * 2, kLongestPause);
  }
  probe_.running(name);
}

// A folder that cannot be opened may be deleted while we run: then the partition goes on. One that
// is damaged is set aside where there are snapshots to begin from instead.
std::unique_ptr<StateStore> Workers::open_store(const std::filesystem::path& folder) const {
  remove_scaffolds(folder);
  try {
    try {
      return std::make_unique<RocksStateStore>(folder, resources_);
    } catch (const Corrupt& damage) {
      if (config_.snapshots.empty() || !set_aside(folder, damage)) throw;
      return std::make_unique<RocksStateStore>(folder, resources_);
    }
  } catch (const std::exception& failure) {
    throw Retryable(std::string(failure.what()) + ": the state in " + folder.string() +
                    " cannot be opened. Give this process what it lacks, or delete that folder: "
                    "then this partition alone is folded again from the beginning of its log");
  }
}

void Workers::work_once(const CrewPlace& place, int number, const std::stop_token& stop) {
  const Projection& projection = this->projection(place.projection);
  // As people find it in pg_stat_activity.
  const std::string session = "sluice " + place.projection + in_words(place) + "/" +
                              std::to_string(number) + " " + start_.substr(start_.rfind(':') + 1);
  const ViewSession view = open_view_(projection, place.generation, session);
  const Generation generation = view.sink->generation();
  const auto topology = log_.topology();
  const auto writer = log_.writer();
  const GroupMember member{.group = group_of(generation.projection, generation.number),
                           .instance = config_.instance,
                           .number = number,
                           .workers = config_.workers};
  WorkerConfig config;
  config.name = worker_name(place, number);
  config.instance = start_ + "/" + std::to_string(number);
  config.session = session;
  config.pace.interval = config_.flush_interval;
  config.wall = [this] { return log_.now(); };
  config.limits.key_index = config_.key_index;
  config.limits.parked_limit = config_.parked_limit;
  // Beside the live one there may be one that is built and one that stands.
  config.limits.dedupe.filters = &filters_;
  config.limits.dedupe.filter_bytes_max = config_.memory.dedupe * (generation.live ? 6 : 1) / 8 /
                                          static_cast<std::uint64_t>(config_.partitions);
  config.following.share = [this, place] {
    return std::min(share_of(place) / config_.workers, 1.0);
  };
  decltype(WorkerParts::open_snapshots) with_snapshots;
  if (!config_.snapshots.empty()) {
    with_snapshots = [this](const Generation& of, Partition partition, StateStore& store) {
      return open_snapshots(of, partition, store);
    };
  }
  Worker worker(projection, config,
                {.open_reader =
                     [&](Ownership& ownership) {
                       return log_.reader(stream_of(projection.name), member, ownership);
                     },
                 .open_store =
                     [&](Partition partition) {
                       return open_store(state_folder(config_.data, generation, partition));
                     },
                 .topology = *topology,
                 .writer = *writer,
                 .sink = *view.sink,
                 .probe = probe_,
                 .memory = rows_,
                 .computations = &computations_,
                 .builder = view.builder.get(),
                 .read_records =
                     [&](Partition partition) {
                       return read_records(log_, stream_of(projection.name), partition);
                     },
                 .errands = &errands_,
                 .open_snapshots = with_snapshots,
                 .state_folder =
                     [&](Partition partition) {
                       return state_folder(config_.data, generation, partition).string();
                     },
                 .wrong_log = [&] { return config_.wrong_log(projection.name); }});
  probe_.running(config.name);
  worker.run(stop);
}

// Of a store that open_store() has made.
std::unique_ptr<StateSnapshots> Workers::open_snapshots(const Generation& generation,
                                                        Partition partition, StateStore& store) {
  return std::make_unique<FolderSnapshots>(
      config_.snapshots, SnapshotPlace{generation.projection, generation.unique_id, partition},
      static_cast<RocksStateStore&>(store), state_folder(config_.data, generation, partition),
      restorations_);
}

std::filesystem::path state_folder(const std::filesystem::path& data, const Generation& generation,
                                   Partition partition) {
  return generation_folder(data, generation.projection, generation.number) /
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
