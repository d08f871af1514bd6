#include "ingest/stream_append.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "schemas/descriptors/domain.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using Clock = AppendRequest::Clock;
using Kind = AppendFailure::Kind;

constexpr Offset kNotAppended{-1};
// `sluice quarantine release` may put a whole record into another one: what is admitted leaves room
// for the envelope around it.
constexpr std::size_t kRoomForRelease = 1024;

std::size_t largest_event(EventWriter& writer, const std::string& stream) {
  const std::size_t record = writer.largest_record(stream);
  return record - std::min(record / 8, kRoomForRelease);
}

}  // namespace

std::vector<StreamAppend::Result> StreamAppend::run(const std::string& domain,
                                                    std::span<AppendRequest* const> requests) {
  std::vector<Result> results;
  results.reserve(requests.size());
  for (AppendRequest* request : requests) results.push_back({.request = request});
  find_oversize(results, largest_event(writer_, stream_of(domain)));
  records_.clear();
  for (const Result& result : results) {
    if (result.oversize.empty()) add_records(*result.request);
  }
  append(domain);
  std::size_t at = 0;
  for (Result& result : results) {
    if (result.oversize.empty()) at = collect(result, at);
  }
  return results;
}

void StreamAppend::find_oversize(std::vector<Result>& results, std::size_t limit) {
  for (Result& result : results) {
    // What has been begun is finished, as far as it goes.
    if (!result.request->offsets.empty()) continue;
    const auto& items = result.request->batch.items;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::size_t bytes = items[i].key_size + items[i].value_size;
      if (bytes > limit) result.oversize.push_back({i, bytes, limit});
    }
  }
}

void StreamAppend::add_records(const AppendRequest& request) {
  const std::string_view bytes = request.batch.bytes;
  for (std::size_t i = 0; i < request.batch.items.size(); ++i) {
    if (!request.offsets.empty() && request.offsets[i] != kNotAppended) continue;
    const AdmittedBatch::Item& item = request.batch.items[i];
    records_.push_back({item.partition, bytes.substr(item.begin, item.key_size),
                        bytes.substr(item.begin + item.key_size, item.value_size)});
  }
}

void StreamAppend::append(const std::string& domain) {
  if (records_.empty()) return;
  const Clock::time_point begun = Clock::now();
  try {
    crash_point(CrashPoint("ingest.before_append"));
    writer_.try_append(stream_of(domain), records_);
    crash_point(CrashPoint("ingest.after_append"));
    probe_.appended(Clock::now() - begun, records_.size());
  } catch (const Error& failure) {
    spdlog::warn("append failed domain={} events={} error=\"{}\"", domain, records_.size(),
                 failure.what());
    const auto unknown = std::make_shared<const AppendFailure>(AppendFailure{
        Kind::unknown, std::string("the log did not take the events: ") + failure.what()});
    for (NewRecord& record : records_) {
      record.offset = kNotAppended;
      record.failure = unknown;
    }
    probe_.append_failed();
    return;
  }
  log_failures(domain);
}

// A line for each reason, not for each event.
void StreamAppend::log_failures(const std::string& domain) const {
  struct Failed {
    Partition partition;
    std::size_t events = 0;
  };
  std::map<const AppendFailure*, Failed> failures;
  for (const NewRecord& record : records_) {
    if (!record.failure) continue;
    Failed& failed = failures[record.failure.get()];
    failed.partition = record.partition;
    ++failed.events;
  }
  for (const auto& [failure, failed] : failures) {
    spdlog::warn("append failed domain={} partition={} events={} error=\"{}\"", domain,
                 failed.partition.value, failed.events, failure->reason);
  }
  if (!failures.empty()) probe_.append_failed();
}

// Returns where the next request's records begin.
std::size_t StreamAppend::collect(Result& result, std::size_t at) const {
  std::vector<Offset>& offsets = result.request->offsets;
  const std::size_t count = result.request->batch.items.size();
  if (offsets.empty()) offsets.assign(count, kNotAppended);
  for (std::size_t i = 0; i < count; ++i) {
    if (offsets[i] == kNotAppended) {
      const NewRecord& record = records_[at++];
      offsets[i] = record.failure ? kNotAppended : record.offset;
      if (record.failure) {
        const AppendFailure& failure = *record.failure;
        if (result.reason.empty()) result.reason = failure.reason;
        const std::size_t bytes = record.key.size() + record.value.size();
        if (failure.kind == Kind::too_large) {
          result.oversize.push_back({i, bytes, failure.limit});
        } else if (failure.kind == Kind::not_appended) {
          ++result.not_appended;
        } else {
          ++result.unknown;
        }
      }
    }
    if (offsets[i] != kNotAppended) ++result.appended;
  }
  return at;
}

}  // namespace sluice
