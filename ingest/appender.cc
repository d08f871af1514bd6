#include "ingest/appender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "schemas/descriptors/domain.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

std::string token_of(const std::string& domain, std::span<const NewRecord> records) {
  std::map<Partition, Offset> reached;
  for (const NewRecord& record : records) {
    Offset& position = reached[record.partition];
    position = std::max(position, record.offset.next());
  }
  std::string token;
  for (const auto& [partition, position] : reached) {
    if (!token.empty()) token += ',';
    token += domain + ":" + std::to_string(partition.value) + "@" + std::to_string(position.value);
  }
  return token;
}

}  // namespace

bool Appender::submit(AdmittedBatch& batch, Done done) {
  const std::lock_guard lock(mutex_);
  const bool full = waiting_bytes_ + batch.bytes.size() > limits_.waiting_bytes ||
                    waiting_.size() >= limits_.waiting_requests;
  // A batch larger than the whole bound passes when nothing else waits.
  if (stopped_ || (full && !waiting_.empty())) return false;
  waiting_bytes_ += batch.bytes.size();
  waiting_.push_back({std::move(batch), std::move(done), Clock::now()});
  if (waiting_.size() == 1) more_.notify_one();
  return true;
}

Appender::Queue Appender::waiting() const {
  const std::lock_guard lock(mutex_);
  return {waiting_.size(), waiting_bytes_};
}

void Appender::run(const std::stop_token& stop) {
  for (;;) {
    std::vector<Waiting> group = take(stop);
    if (group.empty()) return;
    append(group);
  }
}

std::vector<Appender::Waiting> Appender::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  more_.wait(lock, stop, [this] { return !waiting_.empty(); });
  std::vector<Waiting> group;
  std::size_t bytes = 0;
  while (!waiting_.empty() && (group.empty() || bytes < limits_.append_bytes)) {
    bytes += waiting_.front().batch.bytes.size();
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  stopped_ = group.empty();
  return group;
}

void Appender::append(std::vector<Waiting>& group) {
  const Clock::time_point now = Clock::now();
  std::map<std::string, std::vector<Waiting*>> by_domain;
  for (Waiting& request : group) {
    if (now - request.since > limits_.patience) {
      request.done({Appended::Outcome::not_begun, {}, "the log is too slow", {}});
    } else {
      by_domain[request.batch.domain].push_back(&request);
    }
  }
  for (const auto& [domain, requests] : by_domain) append_stream(domain, requests);
}

void Appender::append_stream(const std::string& domain, std::span<Waiting* const> requests) {
  records_.clear();
  for (const Waiting* request : requests) {
    const std::string_view bytes = request->batch.bytes;
    for (const AdmittedBatch::Item& item : request->batch.items) {
      records_.push_back({item.partition, bytes.substr(item.begin, item.key_size),
                          bytes.substr(item.begin + item.key_size, item.value_size)});
    }
  }
  Appended failed{Appended::Outcome::unknown, {}, {}, {}};
  const Clock::time_point begun = Clock::now();
  try {
    crash_point(CrashPoint("ingest.before_append"));
    writer_.try_append(stream_of(domain), records_);
    for (const NewRecord& record : records_) {
      if (record.failure) throw Retryable(record.failure->reason);
    }
    crash_point(CrashPoint("ingest.after_append"));
    probe_.appended(Clock::now() - begun, records_.size());
  } catch (const Error& failure) {
    spdlog::warn("append failed domain={} events={} error=\"{}\"", domain, records_.size(),
                 failure.what());
    probe_.append_failed();
    failed.reason = "the log did not take the events in time";
  }
  std::span<const NewRecord> rest = records_;
  for (Waiting* request : requests) {
    const auto own = rest.first(request->batch.items.size());
    rest = rest.subspan(own.size());
    if (failed.reason.empty()) {
      request->done(
          {Appended::Outcome::done, token_of(domain, own), {}, std::move(request->batch.ids)});
    } else {
      request->done({failed.outcome, {}, failed.reason, std::move(request->batch.ids)});
    }
  }
}

}  // namespace sluice
