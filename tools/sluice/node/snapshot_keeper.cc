#include "tools/sluice/node/snapshot_keeper.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "projectors/engine/run/watched_worker.h"
#include "storage/base/errors.h"
#include "storage/base/own_folder.h"
#include "tools/sluice/cli/pause.h"
#include "tools/sluice/node/asked_folder.h"
#include "tools/sluice/snapshots/folder.h"

namespace sluice {
namespace {

// Of each partition: should the newest not do, an older one saves the most of a refold.
constexpr std::size_t kKept = 6;

std::vector<ErrandPlace> owned_by(const Workers& workers) {
  std::vector<ErrandPlace> all;
  for (const auto& [name, worker] : workers.probe().workers()) {
    for (const HeldPartition& held : worker.held) {
      if (held.position) all.push_back({worker.projection, worker.generation, held.partition});
    }
  }
  return all;
}

}  // namespace

void add_snapshot_options(Command& command, SnapshotOptions& options) {
  command.text("snapshots", options.folder,
               "Folder of snapshots: a partition whose state is lost begins from the newest there");
  command.duration("snapshot-every", options.every, std::chrono::milliseconds(0),
                   "How often snapshots are made there, of this process's partitions; 0: never");
}

std::filesystem::path checked_folder(const SnapshotOptions& options,
                                     const std::filesystem::path& data) {
  if (options.folder.empty()) {
    if (options.every.count() == 0) return {};
    throw Misconfigured("--snapshot-every needs --snapshots, the folder to make them in");
  }
  require_outside(options.folder, data);
  const OwnFolder own(options.folder, OwnFolder::Links::followed);
  (void)find_snapshots(own.path());
  return own.path();
}

OwnerKinds snapshot_kinds(Workers& workers, std::filesystem::path data) {
  const OwnerAnswer create = [&workers, data = std::move(data)](
                                 const OwnerRequest& request,
                                 const std::stop_token& stop) -> std::optional<std::string> {
    const std::filesystem::path to = asked_folder(request.argument);
    require_outside(to, data);
    const auto outcome = workers.snapshots().make(to, request.place, stop);
    if (outcome.made) return "{\"snapshot\":" + json_of(*outcome.made) + "}";
    if (outcome.nothing == SnapshotMaking::Nothing::no_owner) return std::nullopt;
    return "{\"snapshot\":null}";
  };
  return {.of_partition = {{"snapshot.create", create}}, .of_process = {}};
}

SnapshotKeeper::SnapshotKeeper(Workers& workers, SnapshotTrouble& trouble,
                               std::filesystem::path folder, std::chrono::milliseconds every)
    : workers_(workers),
      trouble_(trouble),
      folder_(std::move(folder)),
      every_(every),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void SnapshotKeeper::run(const std::stop_token& stop) {
  auto next = std::chrono::steady_clock::now() + every_;
  for (;;) {
    pause_until(next, stop);
    if (stop.stop_requested()) return;
    tell(round(stop));
    next = std::max(next + every_, std::chrono::steady_clock::now());
  }
}

std::string SnapshotKeeper::round(const std::stop_token& stop) {
  std::string trouble;
  for (const ErrandPlace& place : owned_by(workers_)) {
    if (stop.stop_requested()) return trouble;
    try {
      (void)workers_.snapshots().make(folder_, place, stop);
    } catch (const std::exception& failure) {
      trouble = failure.what();
    }
  }
  try {
    using std::chrono::milliseconds;
    const auto now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
    (void)prune_snapshots(find_snapshots(folder_), {.keep = kKept}, now);
  } catch (const std::exception& failure) {
    trouble = failure.what();
  }
  return trouble;
}

void SnapshotKeeper::tell(std::string trouble) {
  const std::string before = trouble_.text();
  if (trouble != before && !trouble.empty()) {
    spdlog::error("snapshots are not made folder={} error=\"{}\"", folder_.string(), trouble);
  }
  if (trouble.empty() && !before.empty()) {
    spdlog::info("snapshots are made again folder={}", folder_.string());
  }
  trouble_.tell(std::move(trouble));
}

}  // namespace sluice
