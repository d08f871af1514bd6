#include "tools/sluice/node/self_audit.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "projectors/engine/run/watched_worker.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/cpu_time.h"
#include "storage/base/errors.h"
#include "storage/postgres/audit/audit_book.h"
#include "storage/postgres/audit/audited_view.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/cli/pause.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/verification/scratch_folder.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// An owner between two steps answers at once.
constexpr milliseconds kToLend{300};
// From a round's beginning to that of the next, at least: of a partition that has hardly anything.
constexpr std::chrono::seconds kBetweenRounds{5};
// From one look at keys that differ to the next.
constexpr std::chrono::seconds kBetweenLooks{10};
// Where the state is never lent at the view's position another partition has its turn.
constexpr int kWaitsMax = 20;
constexpr milliseconds kToWait{50};
constexpr milliseconds kWithout{500};
// What a person is to change is tried again now and then.
constexpr std::chrono::seconds kAfterRefusal{60};
constexpr std::chrono::seconds kAfterFailure{2};
constexpr int kFailuresUntold = 3;
constexpr int kNicest = 19;
// Of memory, for a key that is folded on disk.
constexpr std::uint64_t kScratchBytes = std::uint64_t{8} << 20;

constexpr const char* kNoIndex =
    "its state has no index of keys (--no-key-index, or a generation from before there was one): "
    "`sluice rebuild` makes a generation that has";

constexpr const char* kNotLent =
    "state and view were never to be had at one position: it replays, or stands still";

std::string in_words(const ErrandPlace& place) {
  return place.projection + ":" + std::to_string(place.partition.value);
}

}  // namespace

void add_audit_option(Command& command, double& share) {
  command.part_or_zero("audit", share,
                       "The part of a core that holding rows against the log takes, and of "
                       "Postgres' time in proportion; 0: rows are not audited");
}

struct SelfAudit::Audited {
  explicit Audited(ErrandPlace of) : place(std::move(of)) {}

  const ErrandPlace place;
  // Once the owner has told of it: each is used by what follows.
  std::optional<Generation> generation;
  std::unique_ptr<PostgresAuditedView> view;
  std::unique_ptr<PostgresAuditBook> book;
  std::unique_ptr<PartitionAudit> audit;
  std::unique_ptr<PartitionRecords> records;  // null: nothing is read now
  Clock::time_point next_round{};
  Clock::time_point next_look{};
  int waits = 0;     // in a row
  int failures = 0;  // the same
};

SelfAudit::SelfAudit(Config config, Workers& workers, std::vector<Projection> projections, Log& log)
    : config_(std::move(config)),
      workers_(workers),
      projections_(std::move(projections)),
      log_(log),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

SelfAudit::~SelfAudit() = default;

std::vector<std::string> SelfAudit::left_out() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [place, told] : told_) {
    if (told.why_not.empty()) continue;
    all.push_back(in_words(place) + " is not audited: " + told.why_not);
  }
  return all;
}

void SelfAudit::add_metrics(MetricFamilies& families) const {
  MetricFamily proved = gauge_family("sluice_audit_proved_position",
                                     "The least position at which the last whole round of the "
                                     "self-audit held rows against the log");
  MetricFamily differences = gauge_family(
      "sluice_audit_differences", "Rows and columns known not to be what the log makes of them");
  {
    const MutexLock lock(mutex_);
    for (const auto& [place, told] : told_) {
      if (!told.standing) continue;
      const std::string partition = std::to_string(place.partition.value);
      const MetricLabels labels{{"projection", place.projection}, {"partition", partition}};
      const auto& standing = *told.standing;
      if (standing.proved_to) {
        proved.add(labels, static_cast<double>(standing.proved_to->value));
      }
      differences.add(labels, static_cast<double>(standing.differences));
    }
  }
  std::move(proved).move_to(families);
  std::move(differences).move_to(families);
}

void SelfAudit::tell(const Audited& audited, std::string why_not) {
  const MutexLock lock(mutex_);
  Told& told = told_[audited.place];
  if (audited.audit) told.standing = audited.audit->standing();
  if (!why_not.empty() && why_not != told.why_not) {
    spdlog::warn("partition not audited projection={} partition={} reason=\"{}\"",
                 audited.place.projection, audited.place.partition.value, why_not);
  }
  told.why_not = std::move(why_not);
}

// Rests after the work, so that both together are the share: of a core, or of Postgres' time, where
// that was more.
template <class Work>
void SelfAudit::within_share(const std::stop_token& stop, Work work) {
  const auto cpu = thread_cpu_time();
  const auto asked = session_->spent();
  work();
  const std::chrono::nanoseconds used =
      std::max(thread_cpu_time() - cpu, session_->spent() - asked);
  const auto rest =
      std::chrono::duration_cast<milliseconds>(used * (1 - config_.share) / config_.share);
  pause(rest + milliseconds{1}, stop);
}

void SelfAudit::run(const std::stop_token& stop) {
  // Behind whatever else wants a processor. Where that is refused it is the share alone that holds.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNicest);
  session_ = std::make_unique<AuditSession>(config_.postgres, stop);
  while (!stop.stop_requested()) {
    look_at_owned();
    const auto next = std::ranges::min_element(
        audited_, {}, [](const auto& each) { return each.second->next_round; });
    if (next == audited_.end() || next->second->next_round > Clock::now()) {
      look_again_where_due(stop);
      pause(kWithout, stop);
      continue;
    }
    turn(*next->second, stop);
  }
  audited_.clear();
  session_.reset();
}

// What another has now, or what readers do not see any more, is audited there, or not at all.
void SelfAudit::look_at_owned() {
  std::set<ErrandPlace> owned;
  for (const auto& [name, worker] : workers_.probe().workers()) {
    for (const HeldPartition& held : worker.held) {
      if (worker.live && held.position) {
        owned.insert({worker.projection, worker.generation, held.partition});
      }
    }
  }
  std::erase_if(audited_, [&](const auto& each) { return !owned.contains(each.first); });
  for (const ErrandPlace& place : owned) {
    if (!audited_.contains(place)) audited_.emplace(place, std::make_unique<Audited>(place));
  }
  const MutexLock lock(mutex_);
  std::erase_if(told_, [&](const auto& each) { return !owned.contains(each.first); });
}

std::unique_ptr<LentState> SelfAudit::lend(const ErrandPlace& place) {
  std::unique_ptr<LentState> lent;
  const Errands::Work work = [&](OwnedPartition& owned) {
    if (!owned.settled || !owned.generation.live) return;
    if (!owned.lent) owned.lent = std::make_shared<SharedState>(owned.store);
    lent = std::make_unique<LentState>(owned.lent);
  };
  (void)workers_.errands().ask(place, work, kToLend);
  return lent;
}

// Gone with its last reference, or with the next process on the folder.
std::shared_ptr<StateStore> SelfAudit::open_scratch() const {
  struct Scratch {
    explicit Scratch(const std::filesystem::path& data)
        : folder(data),
          resources(kScratchBytes, 1),
          store(folder.path() / "key", resources, RocksStateStore::KeptThrough::shutdown) {}
    const ScratchFolder folder;
    const RocksResources resources;
    RocksStateStore store;
  };
  const auto scratch = std::make_shared<Scratch>(closed_folder(config_.data, "audit"));
  return {scratch, &scratch->store};
}

// False: its owner does not answer.
bool SelfAudit::open(Audited& audited) {
  if (audited.audit) return true;
  const ErrandPlace& place = audited.place;
  const Errands::Work work = [&](OwnedPartition& owned) { audited.generation = owned.generation; };
  if (!workers_.errands().ask(place, work, kToLend)) return false;
  const auto projection = std::ranges::find(projections_, place.projection, &Projection::name);
  audited.view =
      std::make_unique<PostgresAuditedView>(*session_, place.projection, place.generation);
  audited.book = std::make_unique<PostgresAuditBook>(*session_, place.projection, place.generation);
  audited.audit = std::make_unique<PartitionAudit>(
      AuditedPartition{*projection, *audited.generation, place.partition},
      PartitionAudit::Parts{
          .lend = [this, &place] { return lend(place); },
          .view = *audited.view,
          .book = *audited.book,
          .read = [&audited](Offset offset) { return audited.records->at(offset); },
          .scratch = [this] { return open_scratch(); }});
  return true;
}

// A round of the partition, or what can be done of it now.
void SelfAudit::turn(Audited& audited, const std::stop_token& stop) {
  const ErrandPlace place = audited.place;
  audited.next_round = Clock::now() + kBetweenRounds;
  for (bool goes_on = true; goes_on && !stop.stop_requested();) {
    within_share(stop, [&] {
      goes_on = work(
          audited, [&] { return audited.audit->step(); }, stop);
    });
    look_again_where_due(stop);
    look_at_owned();
    // The partition may be another's since.
    if (!audited_.contains(place)) return;
  }
  audited.records.reset();
}

void SelfAudit::look_again_where_due(const std::stop_token& stop) {
  for (const auto& [place, each] : audited_) {
    Audited& audited = *each;
    if (stop.stop_requested()) return;
    if (!audited.audit || audited.audit->standing().differences == 0) continue;
    if (Clock::now() < audited.next_look) continue;
    audited.next_look = Clock::now() + kBetweenLooks;
    const bool reads = audited.records != nullptr;
    within_share(stop, [&] {
      (void)work(
          audited, [&] { return audited.audit->look_again(); }, stop);
    });
    if (!reads) audited.records.reset();
  }
}

// The generation may be another of its number by now. False, as it is to be tried later.
bool SelfAudit::begin_again(Audited& audited) {
  if (++audited.failures >= kFailuresUntold) tell(audited, kNotLent);
  audited.waits = 0;
  audited.audit.reset();
  return false;
}

// False: nothing more can be done of the partition now. What fails is told and tried again: the
// audit stands in nobody's way.
bool SelfAudit::work(Audited& audited, const Look& look, const std::stop_token& stop) {
  const auto later = [&](Clock::duration pause) {
    audited.next_round = std::max(audited.next_round, Clock::now() + pause);
    return false;
  };
  try {
    if (!open(audited)) return later(kAfterFailure);
    if (!audited.records) {
      audited.records = std::make_unique<PartitionRecords>(
          log_, stream_of(audited.place.projection), audited.place.partition, stop);
    }
    const PartitionAudit::Did did = look();
    if (did == PartitionAudit::Did::waits) {
      pause(kToWait, stop);
      return ++audited.waits < kWaitsMax || begin_again(audited) || later(kAfterFailure);
    }
    audited.waits = audited.failures = 0;
    const bool lacks_index = did == PartitionAudit::Did::no_index;
    tell(audited, lacks_index ? kNoIndex : "");
    if (lacks_index) return later(kAfterRefusal);
    return did == PartitionAudit::Did::looked;
  } catch (const Retryable& failure) {
    if (stop.stop_requested()) return false;
    // One that passes by itself is nothing to tell of.
    if (++audited.failures >= kFailuresUntold) tell(audited, failure.what());
    return later(kAfterFailure);
  } catch (const std::exception& failure) {
    tell(audited, failure.what());
    return later(kAfterRefusal);
  }
}

}  // namespace sluice
