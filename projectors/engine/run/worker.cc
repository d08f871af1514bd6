#include "projectors/engine/run/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "projectors/engine/run/partition_label.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/check.h"
#include "storage/base/cpu_time.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A partition that flushed nothing for so long may come to read its rows from state again.
constexpr std::chrono::seconds kIdle{10};

}  // namespace

Worker::Worker(const Projection& projection, WorkerConfig config, WorkerParts parts)
    : projection_(projection),
      config_(std::move(config)),
      parts_(std::move(parts)),
      presence_(parts_.sink, parts_.probe, config_.name, config_.instance),
      emitter_(parts_.writer, parts_.topology, config_.limits.records_an_append),
      stream_(stream_of(projection.name)),
      generation_(parts_.sink.generation()),
      following_(config_.following, parts_.builder),
      jitter_(
          static_cast<std::minstd_rand::result_type>(std::hash<std::string>{}(config_.instance))) {
  require_version();
  following_.set_live(generation_.live);
  parts_.probe.began(config_.name, projection_.name, generation_.number, config_.session);
  parts_.probe.shown(config_.name, generation_.live);
}

// Nobody speaks for what it had any more.
Worker::~Worker() {
  recall_all();
  say_nothing();
  parts_.probe.ended(config_.name);
}

std::string Worker::label(Partition partition) const {
  return partition_label(projection_.name, generation_.number, generation_.live, partition);
}

void Worker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    constexpr milliseconds kWait{20};
    const auto before = thread_cpu_time();
    step(Clock::now(), config_.wall(), kWait);
    if (following_.builds()) following_.rest(thread_cpu_time() - before, stop);
    // While the log is away nothing else paces this loop.
    if (!reader_) std::this_thread::sleep_for(kWait);
  }
  now_ = Clock::now();
  close();
}

void Worker::close() {
  flush_all();
  std::vector<LogProgress> left;
  for (const auto& [partition, assigned] : assigned_) {
    // Who could not flush could say nothing either, and would only wait for the view.
    if (!assigned.projector || !assigned.trouble.empty()) continue;
    left.push_back({partition, assigned.log_end, assigned.owner, {}});
  }
  presence_.release(std::move(left));
  say_nothing();
  recall_all();
  assigned_.clear();
  away_.clear();
  reader_.reset();
}

void Worker::flush_all() {
  for (auto& each : assigned_) {
    Assigned& assigned = each.second;
    if (assigned.projector) guarded(each.first, assigned, [&] { flush(assigned); });
  }
}

void Worker::step(Clock::time_point now, Time wall, milliseconds wait) {
  now_ = now;
  wall_ = wall;
  const bool beats = now_ >= next_progress_;
  following_.look(now_, beats);
  for (auto& [partition, assigned] : assigned_) {
    if (assigned.projector) assigned.projector->hurry(following_.hurries());
  }
  try {
    if (!reader_) open_reader();
    if (reader_) read(wait);
    if (reader_ && beats) show_group();
  } catch (const Retryable& failure) {
    log_away(failure);
  } catch (const Unreadable& failure) {
    read_anew(failure);
  }
  serve_errands();
  if (beats) show_progress();
  parts_.probe.turned(config_.name);
}

void Worker::enter(WorkerPhase phase, std::optional<Partition> partition) {
  parts_.probe.begins(config_.name, phase, partition);
}

void Worker::read(milliseconds wait) {
  enter(WorkerPhase::reading);
  const std::span<const LogRecord> records = reader_->poll(wait);
  enter(WorkerPhase::folding);
  fold(records);
  for (auto& [partition, assigned] : assigned_) service(partition, assigned);
  if (reader_backoff_.pause() == milliseconds{0}) return;
  parts_.probe.running(config_.name);
  reader_backoff_.worked();
}

void Worker::open_reader() {
  if (reader_backoff_.waits(now_)) return;
  enter(WorkerPhase::joining);
  if (!has_read_ && !parts_.topology.partitions(stream_) && !stands()) {
    throw Misconfigured("there is no stream " + stream_ +
                        ": `sluice up` makes it at its start, on Kafka `sluice topics apply` "
                        "does too");
  }
  partitions_of_stream();
  reader_ = parts_.open_reader(*this);
  has_read_ = true;
  // The process that is given these partitions now speaks for them.
  say_nothing();
  away_.clear();
}

// Of all that this worker spoke for: it stands still no more, or is spoken for under another name.
void Worker::say_nothing() {
  for (const auto& [partition, assigned] : assigned_) parts_.probe.running(label(partition));
  for (const HeldPartition& left : away_) parts_.probe.running(label(left.partition));
}

void Worker::fold(std::span<const LogRecord> records) {
  while (!records.empty()) {
    const Partition partition = records.front().partition;
    const auto end = std::ranges::find_if(
        records, [&](const LogRecord& record) { return record.partition != partition; });
    const auto size = static_cast<std::size_t>(end - records.begin());
    const Clock::time_point begun = Clock::now();
    const Clock::duration flushing = flushing_;
    fold_batch(records.first(size));
    const auto found = assigned_.find(partition);
    if (found != assigned_.end()) {
      found->second.folding += Clock::now() - begun - (flushing_ - flushing);
    }
    records = records.subspan(size);
  }
}

void Worker::fold_batch(std::span<const LogRecord> records) {
  const Partition partition = records.front().partition;
  const auto found = assigned_.find(partition);
  if (found == assigned_.end()) return;
  Assigned& assigned = found->second;
  for (const LogRecord& record : records) {
    // Held back: read again from reads_from() when it goes on.
    if (!assigned.projector || assigned.paused) return;
    if (!may_fold(assigned)) return hold(partition, assigned);
    guarded(partition, assigned, [&] {
      Projector& projector = *assigned.projector;
      projector.fold(record);
      ++assigned.folded;
      if (projector.full()) flush(assigned);
    });
    // Not behind the record: its fold failed, and what came before it is folded again.
    if (!assigned.projector || assigned.projector->in_doubt() || assigned.projector->full() ||
        assigned.projector->reads_from() <= record.offset) {
      hold(partition, assigned);
    }
  }
}

// One partition after the other: each has the memory of those whose turn has yet to come. What
// cannot go on keeps nobody waiting.
bool Worker::has_turn(const Assigned& assigned) const {
  if (!assigned.projector->in_bulk()) return true;
  for (const auto& [partition, before] : assigned_) {
    if (&before == &assigned) return true;
    const bool goes_on = before.projector && before.projector->in_bulk() &&
                         !before.projector->in_doubt() && before.trouble.empty() &&
                         !before.caught_up && following_.may_fold(*before.projector);
    if (goes_on) return false;
  }
  return true;
}

bool Worker::may_fold(const Assigned& assigned) const {
  return following_.may_fold(*assigned.projector) && has_turn(assigned);
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
  if (assigned.folding > Clock::duration{0}) {
    parts_.probe.batch_took(label(partition), std::exchange(assigned.folding, {}));
  }
  assigned.log_end = reader_->end(partition);
  assigned.caught_up = !assigned.paused && reader_->caught_up(partition);
  if (!assigned.stopped && !assigned.backoff.waits(now_)) {
    guarded(partition, assigned, [&] { go_on(partition, assigned); });
  }
  heed_open_transaction(partition, assigned);
  const bool able = assigned.projector && !assigned.projector->in_doubt() &&
                    !assigned.projector->full() && may_fold(assigned);
  if (able && assigned.paused) resume(partition, assigned);
  if (!able) hold(partition, assigned);
  if (!assigned.began.took) note_recovery(partition, assigned);
}

void Worker::go_on(Partition partition, Assigned& assigned) {
  if (!assigned.projector) {
    if (assigned.fenced) presence_.require_silence(partition);
    return take_anew(partition, assigned);
  }
  if (!assigned.damage.empty()) return stop_at_damage(assigned);
  if (assigned.projector->in_doubt() || flush_due(partition, assigned)) {
    flush(assigned);
  } else if (following_.load_due(*assigned.projector)) {
    load(partition, assigned);
  } else {
    assigned.projector->maintain();
    // One that is loaded stands still until all are and have keys.
    const bool idle = following_.builds() || now_ - assigned.last_flush >= kIdle;
    if (idle) assigned.projector->rest();
  }
  require_awaited(partition, assigned);
  tick(partition, assigned);
}

// Up to the damage the log is sound, and so is what was folded from it.
void Worker::stop_at_damage(Assigned& assigned) {
  flush(assigned);
  if (!assigned.projector->in_doubt()) throw Corrupt(assigned.damage);
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
  assigned.projector->miss_record();
  hold(partition, assigned);
}

// An ordinary transaction is over at once. Behind one that stays open no record can be read, and
// no view can show it, until its producer or the broker ends the transaction. Where a record
// was read since the last look, transactions end and others begin, or the log merely grows.
void Worker::heed_open_transaction(Partition partition, Assigned& assigned) {
  constexpr milliseconds kPatience{4000};
  const bool waits = assigned.projector && assigned.caught_up &&
                     assigned.log_end > assigned.projector->reads_from();
  const bool moved = assigned.projector &&
                     std::exchange(assigned.held_back_at, assigned.projector->reads_from()) !=
                         assigned.projector->reads_from();
  if (!waits || moved) {
    assigned.held_back_since.reset();
    if (std::exchange(assigned.held_back, false) && assigned.projector) works_again(assigned);
    return;
  }
  if (!assigned.held_back_since) assigned.held_back_since = now_;
  if (now_ - *assigned.held_back_since < kPatience || !assigned.trouble.empty()) return;
  assigned.held_back = true;
  const std::string why =
      "a transaction of another producer, which is still open, holds back the records from " +
      std::to_string(assigned.projector->reads_from().value) + " to " +
      std::to_string(assigned.log_end.value) +
      ": end it, or that producer, whose transaction.timeout.ms ends it at last (Kafka's "
      "kafka-transactions.sh finds and aborts it)";
  troubled(partition, assigned, why.c_str());
  spdlog::warn("held back projection={} generation={} partition={} reason=\"{}\"", projection_.name,
               generation_.number, partition.value, why);
}

bool Worker::flush_due(Partition partition, const Assigned& assigned) const {
  const Projector& projector = *assigned.projector;
  if (projector.in_bulk()) return projector.pending() && projector.full();
  if (following_.builds()) return false;
  const bool computed = projector.computed();
  if (!projector.pending() && !computed) return false;
  if (projector.full()) return true;
  const Offset end =
      std::min(assigned.log_end, following_.limit(partition).value_or(assigned.log_end));
  return sluice::flush_due(config_.pace,
                           {.since = now_ - assigned.last_flush,
                            .computed = computed,
                            .caught_up = assigned.caught_up || following_.at_limit(projector),
                            .behind = end.value - projector.position().value,
                            .folded = assigned.folded});
}

void Worker::flush(Assigned& assigned) {
  const Partition partition = assigned.projector->partition();
  enter(WorkerPhase::flushing, partition);
  const Clock::time_point begun = Clock::now();
  assigned.projector->flush(assigned.log_end);
  const Clock::duration took = Clock::now() - begun;
  flushing_ += took;
  parts_.probe.flush_took(label(partition), took);
  parts_.probe.moved(config_.name, held(partition, assigned));
  enter(WorkerPhase::folding);
  if (assigned.projector->in_doubt())
    return assigned.backoff.failed(now_, config_.backoff, jitter_);
  works_again(assigned);
  parts_.probe.flush_passed(label(partition));
  assigned.last_flush = now_;
  assigned.folded = 0;
}

void Worker::load(Partition partition, Assigned& assigned) {
  enter(WorkerPhase::flushing, partition);
  assigned.projector->load(assigned.log_end, following_.share());
  enter(WorkerPhase::folding);
  if (assigned.projector->in_doubt()) {
    return assigned.backoff.failed(now_, config_.backoff, jitter_);
  }
  works_again(assigned);
  parts_.probe.flush_passed(label(partition));
  assigned.last_flush = now_;
  assigned.folded = 0;
  spdlog::info("partition loaded projection={} generation={} partition={} position={}",
               projection_.name, generation_.number, partition.value,
               assigned.projector->flushed().value);
}

void Worker::works_again(Assigned& assigned) {
  assigned.backoff.worked();
  if (assigned.trouble.empty()) return;
  parts_.probe.running(label(assigned.projector->partition()));
  assigned.trouble.clear();
}

void Worker::tick(Partition partition, Assigned& assigned) {
  const Projector& projector = *assigned.projector;
  // What state says is to happen counts once the log has shown that it is of this log.
  if (!generation_.live || projector.in_doubt() || projector.awaited()) return;
  const Ticker::Quiet quiet{projector.folded().next_due(), projector.reads_from(),
                            assigned.caught_up, wall_};
  const std::optional<Time> recorded_at = assigned.ticker.due(quiet);
  if (!recorded_at) return;
  enter(WorkerPhase::ticking, partition);
  partitions_of_stream();
  const std::string value = tick_record(*recorded_at);
  NewRecord record{partition, {}, value};
  parts_.writer.append(stream_, {&record, 1});
  assigned.ticker.ticked(quiet, record.offset);
}

}  // namespace sluice
