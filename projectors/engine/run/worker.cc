#include "projectors/engine/run/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "schemas/descriptors/domain.h"
#include "storage/base/check.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

Time wall_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

milliseconds doubled(milliseconds backoff, const WorkerConfig& config) {
  return std::clamp(backoff * 2, config.first_backoff, config.longest_backoff);
}

}  // namespace

Worker::Worker(const Projection& projection, WorkerConfig config, WorkerParts parts)
    : projection_(projection),
      config_(std::move(config)),
      parts_(std::move(parts)),
      emitter_(parts_.writer, parts_.topology, config_.limits.records_an_append),
      stream_(stream_of(projection.name)),
      generation_(parts_.sink.generation()),
      jitter_(
          static_cast<std::minstd_rand::result_type>(std::hash<std::string>{}(config_.instance))) {
  if (generation_.version != projection.version) {
    throw Misconfigured(std::string(projection.name) + " generation " +
                        std::to_string(generation_.number) + " was built by version " +
                        std::to_string(generation_.version) +
                        " of its rules, this program has version " +
                        std::to_string(projection.version) + ": rebuild into a new generation");
  }
}

Worker::~Worker() = default;

std::string Worker::label(Partition partition) const {
  return std::string(projection_.name) + ":" + std::to_string(partition.value);
}

void Worker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    constexpr milliseconds kWait{20};
    step(Clock::now(), wall_now(), kWait);
    // While the log is away nothing else paces this loop.
    if (!reader_) std::this_thread::sleep_for(kWait);
  }
  now_ = Clock::now();
  close();
}

void Worker::close() {
  for (auto& each : assigned_) {
    Assigned& assigned = each.second;
    if (assigned.projector) guarded(each.first, assigned, [&] { flush(assigned); });
  }
  assigned_.clear();
  reader_.reset();
}

void Worker::step(Clock::time_point now, Time wall, milliseconds wait) {
  now_ = now;
  wall_ = wall;
  try {
    if (!reader_) open_reader();
    if (!reader_) return;
    fold(reader_->poll(wait));
    for (auto& [partition, assigned] : assigned_) service(partition, assigned);
    if (now_ >= next_progress_) show_progress();
    if (reader_backoff_.count() > 0) parts_.probe.running(config_.name);
    reader_backoff_ = milliseconds{0};
  } catch (const Retryable& failure) {
    // Our place in the group may be gone: let go of everything and join again.
    parts_.probe.retried();
    reader_backoff_ = doubled(reader_backoff_, config_);
    reader_retry_at_ = now_ + reader_backoff_;
    parts_.probe.stopped(config_.name, failure.what());
    spdlog::warn("log away projection={} retry_ms={} error=\"{}\"", projection_.name,
                 reader_backoff_.count(), failure.what());
    close();
  } catch (const Unreadable& failure) {
    read_anew(failure);
  }
}

// Where the log has not what we were to read, the partition is taken again, from the view: what was
// not published is dropped, and taking says what is wrong with the log, if anything is.
void Worker::read_anew(const Unreadable& failure) {
  const auto found = assigned_.find(failure.partition());
  if (found == assigned_.end() || found->second.stopped) return;
  const Partition partition = found->first;
  Assigned& assigned = found->second;
  guarded(partition, assigned, [&] {
    if (failure.cause() == Unreadable::Cause::damage) throw Corrupt(failure.what());
    spdlog::warn("reading anew projection={} partition={} reason=\"{}\"", projection_.name,
                 partition.value, failure.what());
    assigned.projector.reset();
    claim(partition, assigned);
    assigned.paused = true;  // wherever the reader stands, it goes on where the projector does
  });
}

void Worker::open_reader() {
  if (now_ < reader_retry_at_) return;
  if (has_read_) require_stream();
  const std::optional<int> partitions = parts_.topology.partitions(stream_);
  if (!partitions) throw Misconfigured("no stream " + stream_ + ": run `sluice topics apply`");
  if (*partitions != generation_.partitions) {
    throw Misconfigured(stream_ + " has " + std::to_string(*partitions) +
                        " partitions, generation " + std::to_string(generation_.number) +
                        " was made for " + std::to_string(generation_.partitions) +
                        ": keys have moved; rebuild into a new generation");
  }
  reader_ = parts_.open_reader(*this);
  has_read_ = true;
}

void Worker::require_stream() {
  if (parts_.topology.partitions(stream_)) return;
  throw Retryable("the stream " + stream_ +
                  " is gone: restore it, or drop the generation and rebuild from what there is");
}

Offset Worker::acquired(Partition partition) {
  const LogRange log = parts_.topology.range(stream_, partition);
  Assigned& assigned = assigned_[partition];
  assigned = Assigned{};
  guarded(partition, assigned, [&] { claim(partition, assigned); });
  // Not taken: whatever is read from here is passed over until it is.
  return assigned.projector ? assigned.projector->reads_from() : log.end;
}

void Worker::lost(Partition partition) {
  const auto found = assigned_.find(partition);
  if (found == assigned_.end()) return;
  // Saves the next owner the replay; where it has taken the partition already this is fenced.
  if (found->second.projector) {
    guarded(partition, found->second, [&] { flush(found->second); });
  }
  assigned_.erase(found);
  parts_.probe.running(label(partition));
  spdlog::info("partition lost projection={} partition={}", projection_.name, partition.value);
}

void Worker::claim(Partition partition, Assigned& assigned) {
  require_stream();
  if (!assigned.store) assigned.store = parts_.open_store(partition);
  const std::string& owner = assigned.owner = config_.instance + "/" + std::to_string(++claims_);
  auto projector =
      std::make_unique<Projector>(projection_, generation_, partition, owner, config_.limits,
                                  ProjectorParts{*assigned.store, parts_.sink, emitter_,
                                                 parts_.probe, parts_.memory, parts_.computations});
  const LogRange log = parts_.topology.range(stream_, partition);
  assigned.log_end = log.end;
  const Offset from = projector->claim(log);
  spdlog::info("partition acquired projection={} partition={} position={} view={} owner={}",
               projection_.name, partition.value, from.value, projector->flushed().value, owner);
  parts_.probe.running(label(partition));
  assigned.trouble.clear();
  assigned.projector = std::move(projector);
  assigned.last_flush = now_;
  assigned.backoff = milliseconds{0};
}

template <class Work>
void Worker::guarded(Partition partition, Assigned& assigned, Work work) {
  try {
    work();
  } catch (const Retryable& failure) {
    parts_.probe.retried();
    if (assigned.projector && !assigned.projector->intact()) {
      assigned.projector.reset();
      // A store that could not write may take nothing more until it is opened again.
      assigned.store.reset();
    }
    back_off(assigned);
    assigned.trouble = failure.what();
    parts_.probe.stopped(label(partition), failure.what());
    spdlog::warn("retrying projection={} partition={} retry_ms={} error=\"{}\"", projection_.name,
                 partition.value, assigned.backoff.count(), failure.what());
  } catch (const Fenced& failure) {
    // The log is asked first whether the partition is still ours.
    parts_.probe.fenced();
    assigned.projector.reset();
    back_off(assigned);
    spdlog::info("fenced projection={} partition={} reason=\"{}\"", projection_.name,
                 partition.value, failure.what());
  } catch (const Corrupt& failure) {
    assigned.projector.reset();
    assigned.stopped = true;
    assigned.trouble = failure.what();
    parts_.probe.stopped(label(partition), failure.what());
    spdlog::error("partition stopped projection={} partition={} reason=\"{}\"", projection_.name,
                  partition.value, failure.what());
  }
}

void Worker::back_off(Assigned& assigned) {
  assigned.backoff = doubled(assigned.backoff, config_);
  const auto half = assigned.backoff.count() / 2;
  std::uniform_int_distribution<milliseconds::rep> spread(half, assigned.backoff.count());
  assigned.retry_at = now_ + milliseconds{spread(jitter_)};
}

void Worker::fold(std::span<const LogRecord> records) {
  Assigned* assigned = nullptr;
  Partition partition{-1};
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].partition != partition) {
      partition = records[i].partition;
      const auto found = assigned_.find(partition);
      assigned = found == assigned_.end() ? nullptr : &found->second;
    }
    // Held back: read again from reads_from() when it goes on.
    if (assigned == nullptr || !assigned->projector || assigned->paused) continue;
    guarded(partition, *assigned, [&] {
      Projector& projector = *assigned->projector;
      projector.fold(records[i]);
      ++assigned->folded;
      if (projector.full()) flush(*assigned);
    });
    if (!assigned->projector || assigned->projector->in_doubt() || assigned->projector->full()) {
      hold(partition, *assigned);
    }
  }
}

void Worker::hold(Partition partition, Assigned& assigned) {
  if (assigned.paused) return;
  assigned.paused = true;
  reader_->pause(partition, true);
}

void Worker::resume(Partition partition, Assigned& assigned) {
  reader_->seek(partition, assigned.projector->reads_from());
  reader_->pause(partition, false);
  assigned.paused = false;
}

void Worker::service(Partition partition, Assigned& assigned) {
  assigned.log_end = reader_->end(partition);
  assigned.caught_up = !assigned.paused && reader_->caught_up(partition);
  if (!assigned.stopped && now_ >= assigned.retry_at) {
    guarded(partition, assigned, [&] { go_on(partition, assigned); });
  }
  const bool able =
      assigned.projector && !assigned.projector->in_doubt() && !assigned.projector->full();
  if (able && assigned.paused) resume(partition, assigned);
  if (!able) hold(partition, assigned);
}

void Worker::go_on(Partition partition, Assigned& assigned) {
  if (!assigned.projector) {
    claim(partition, assigned);
    assigned.paused = true;  // wherever the reader stands, it goes on where the projector does
    return;
  }
  if (assigned.projector->in_doubt() || flush_due(assigned)) {
    flush(assigned);
  } else {
    assigned.projector->maintain();
  }
  require_awaited(partition, assigned);
  tick(partition, assigned);
}

// What stood at the log's end may have been lost, and a transaction's marker stand there instead.
// Not at once: what the reader knows of the end may be older than the view.
void Worker::require_awaited(Partition partition, Assigned& assigned) {
  constexpr milliseconds kPatience{5000};
  if (!assigned.caught_up || !assigned.projector->awaited()) return assigned.missing_since.reset();
  if (!assigned.missing_since) assigned.missing_since = now_;
  if (now_ - *assigned.missing_since < kPatience) return;
  // Throws Retryable where the log is away, of which a reader is silent.
  static_cast<void>(parts_.topology.range(stream_, partition));
  assigned.projector->stop_at_missing_record();
}

bool Worker::flush_due(const Assigned& assigned) const {
  const Projector& projector = *assigned.projector;
  const bool computed = projector.computed();
  if (!projector.pending() && !computed) return false;
  if (projector.full()) return true;
  const auto since = std::max<Clock::duration>(now_ - assigned.last_flush, milliseconds{1});
  if (since < (computed ? config_.computed_flush_interval : config_.flush_interval)) return false;
  if (assigned.caught_up || since >= config_.lagging_flush_interval) return true;
  // Lagging: at the rate of this interval it takes longer than one to reach the end.
  const double behind = static_cast<double>(assigned.log_end.value - projector.position().value);
  const double folded_an_interval = static_cast<double>(assigned.folded) *
                                    (std::chrono::duration<double>(config_.flush_interval) /
                                     std::chrono::duration<double>(since));
  return behind <= folded_an_interval;
}

void Worker::flush(Assigned& assigned) {
  const Clock::time_point begun = Clock::now();
  assigned.projector->flush(assigned.log_end);
  parts_.probe.flush_took(Clock::now() - begun);
  if (assigned.projector->in_doubt()) return back_off(assigned);
  if (!assigned.trouble.empty()) {
    parts_.probe.running(label(assigned.projector->partition()));
    assigned.trouble.clear();
  }
  assigned.last_flush = now_;
  assigned.backoff = milliseconds{0};
  assigned.folded = 0;
}

void Worker::tick(Partition partition, Assigned& assigned) {
  const Projector& projector = *assigned.projector;
  if (!generation_.live || projector.in_doubt() || projector.replaying()) return;
  const Ticker::Quiet quiet{projector.next_due(), projector.reads_from(), assigned.caught_up,
                            wall_};
  const std::optional<Time> recorded_at = assigned.ticker.due(quiet);
  if (!recorded_at) return;
  require_stream();
  const std::string value = tick_record(*recorded_at);
  NewRecord record{partition, {}, value};
  parts_.writer.append(stream_, {&record, 1});
  assigned.ticker.ticked(quiet, record.offset);
}

void Worker::show_progress() {
  next_progress_ = now_ + config_.progress_interval;
  std::vector<LogProgress> progress;
  std::vector<PartitionProgress> flushed;
  for (const auto& [partition, assigned] : assigned_) {
    progress.push_back({partition, assigned.log_end, assigned.owner, assigned.trouble});
    if (!assigned.projector) continue;
    progress.back().computed = assigned.projector->computed_progress();
    flushed.push_back({partition, assigned.projector->flushed()});
  }
  if (!flushed.empty()) reader_->show_progress(flushed);
  // A group does not say that it has nothing to give because there is nothing.
  if (progress.empty()) return require_stream();
  try {
    static_cast<void>(parts_.sink.show_progress(progress));
    crash_point(CrashPoint("progress.shown"));
    progress_shown_ = true;
  } catch (const Retryable& failure) {
    // Once: while Postgres is away every flush that fails is told, with its back-off.
    if (!std::exchange(progress_shown_, false)) return;
    spdlog::warn("progress not shown projection={} error=\"{}\"", projection_.name, failure.what());
  }
}

}  // namespace sluice
