#include "ingest/appender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using Clock = AppendRequest::Clock;

// An append that takes longer than this does not show that its partitions move again.
constexpr std::chrono::seconds kMoves{1};
constexpr std::size_t kStuckShare = 4;

// Ids are of use where some events may be in the log.
void refuse(AppendRequest& request, bool begun, std::string reason) {
  using enum Appended::Outcome;
  if (!begun) return request.done({not_begun, {}, std::move(reason), {}, {}});
  request.done({unknown, {}, std::move(reason), std::move(request.batch.ids), {}});
}

}  // namespace

Appender::Appender(EventWriter& writer, EventWriter* patient, AppenderLimits limits,
                   IngestProbe& probe, AppendedLog log)
    : limits_(limits),
      log_(std::move(log)),
      quick_(writer, {limits.waiting_requests, limits.waiting_bytes}, probe) {
  if (patient == nullptr) return;
  const AppendQueue::Size share{std::max<std::size_t>(limits.waiting_requests / kStuckShare, 1),
                                limits.waiting_bytes / kStuckShare};
  patient_ = std::make_unique<Lane>(*patient, share, probe);
}

bool Appender::submit(AdmittedBatch& batch, Done done) {
  Lane& lane = is_for_stuck(batch) ? *patient_ : quick_;
  AppendRequest request{std::move(batch), std::move(done), Clock::now(), {}};
  if (lane.queue.put(request)) return true;
  batch = std::move(request.batch);
  return false;
}

AppendQueue::Size Appender::waiting() const {
  AppendQueue::Size waiting = quick_.queue.waiting();
  if (!patient_) return waiting;
  const AppendQueue::Size more = patient_->queue.waiting();
  return {waiting.requests + more.requests, waiting.bytes + more.bytes};
}

void Appender::run(const std::stop_token& stop) { run(quick_, stop); }

void Appender::run_patient(const std::stop_token& stop) {
  if (patient_) run(*patient_, stop);
}

void Appender::run(Lane& lane, const std::stop_token& stop) {
  for (;;) {
    std::vector<AppendRequest> group = lane.queue.take(stop, limits_.append_bytes);
    if (group.empty()) return;
    append(lane, group);
  }
}

void Appender::append(Lane& lane, std::vector<AppendRequest>& group) {
  const Clock::time_point now = Clock::now();
  std::map<std::string, std::vector<AppendRequest*>> by_domain;
  for (AppendRequest& request : group) {
    if (now - request.since <= limits_.patience) {
      by_domain[request.batch.domain].push_back(&request);
    } else {
      refuse(request, !request.offsets.empty(), "the log is too slow");
    }
  }
  for (const auto& [domain, requests] : by_domain) {
    const Clock::time_point begun = Clock::now();
    std::vector<StreamAppend::Result> results = lane.append.run(domain, requests);
    if (&lane == patient_.get() && Clock::now() - begun < kMoves) {
      forget_moving(domain, lane.append.records());
    }
    for (StreamAppend::Result& result : results) answer(lane, result);
  }
}

std::string Appender::token_of(const AppendRequest& request) const {
  const AdmittedBatch& batch = request.batch;
  std::map<Partition, Offset> reached;
  for (std::size_t i = 0; i < request.offsets.size(); ++i) {
    Offset& position = reached[batch.items[i].partition];
    position = std::max(position, request.offsets[i].next());
  }
  std::string token;
  for (const auto& [partition, position] : reached) {
    if (!token.empty()) token += ',';
    token += batch.domain;
    const std::string log = log_.short_form(batch.domain, partition, position);
    if (!log.empty()) token += "~" + log;
    token += ":" + std::to_string(partition.value) + "@" + std::to_string(position.value);
  }
  return token;
}

void Appender::answer(const Lane& lane, StreamAppend::Result& result) {
  using enum Appended::Outcome;
  AppendRequest& request = *result.request;
  const bool none_there = result.appended == 0 && result.unknown == 0;
  if (!result.whole() && result.oversize.empty()) log_.failed(request.batch.domain);
  if (result.whole()) {
    answer_whole(request);
  } else if (!result.oversize.empty() && none_there) {
    request.done({too_large, {}, {}, {}, std::move(result.oversize)});
  } else if (&lane == &quick_ && result.oversize.empty() && hand_over(request)) {
    return;
  } else {
    refuse(request, !none_there, std::move(result.reason));
  }
}

void Appender::answer_whole(AppendRequest& request) const {
  std::string token;
  try {
    token = token_of(request);
  } catch (const Corrupt& lost) {
    return refuse(request, true, lost.what());
  }
  request.done({Appended::Outcome::done, std::move(token), {}, std::move(request.batch.ids), {}});
}

bool Appender::hand_over(AppendRequest& request) {
  if (!patient_) return false;
  {
    const MutexLock lock(mutex_);
    for (std::size_t i = 0; i < request.offsets.size(); ++i) {
      if (request.offsets[i] >= Offset{0}) continue;
      const Partition partition = request.batch.items[i].partition;
      if (!stuck_.emplace(request.batch.domain, partition).second) continue;
      spdlog::warn("partition does not move domain={} partition={}", request.batch.domain,
                   partition.value);
    }
  }
  return patient_->queue.put(request);
}

bool Appender::is_for_stuck(const AdmittedBatch& batch) const {
  const MutexLock lock(mutex_);
  return !stuck_.empty() &&
         std::any_of(batch.items.begin(), batch.items.end(),
                     [&](const AdmittedBatch::Item& item) SLUICE_REQUIRES(mutex_) {
                       return stuck_.contains({batch.domain, item.partition});
                     });
}

void Appender::forget_moving(const std::string& domain, std::span<const NewRecord> records) {
  std::set<Partition> moving;
  for (const NewRecord& record : records) moving.insert(record.partition);
  for (const NewRecord& record : records) {
    if (record.failure) moving.erase(record.partition);
  }
  const MutexLock lock(mutex_);
  for (const Partition partition : moving) {
    if (stuck_.erase({domain, partition}) == 0) continue;
    spdlog::info("partition moves again domain={} partition={}", domain, partition.value);
  }
}

}  // namespace sluice
