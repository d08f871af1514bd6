// Partitions that lost their tails, and those of which that is to be feared.

#include <algorithm>
#include <utility>

#include "storage/base/errors.h"
#include "tools/sluice/node/log_watch.h"

namespace sluice {

const std::pair<const std::string, LogWatch::Watched>* LogWatch::of_stream(
    std::string_view stream) const {
  const auto found = std::ranges::find_if(
      watched_, [&](const auto& each) { return each.second.stream == stream; });
  return found == watched_.end() ? nullptr : &*found;
}

std::map<Partition, std::string> LogWatch::lost_tails(std::string_view stream) const {
  const MutexLock lock(mutex_);
  const auto* found = of_stream(stream);
  return found == nullptr ? std::map<Partition, std::string>{} : found->second.lost;
}

void LogWatch::doubt(std::string_view stream, Partition partition) {
  const MutexLock lock(mutex_);
  const auto* found = of_stream(stream);
  if (found != nullptr) watched_.at(found->first).doubted.insert(partition);
}

std::set<Partition> LogWatch::doubted(std::string_view stream) const {
  const MutexLock lock(mutex_);
  const auto* found = of_stream(stream);
  return found == nullptr ? std::set<Partition>{} : found->second.doubted;
}

std::optional<std::string> LogWatch::look_at_tail(std::string_view stream, Partition partition) {
  std::string domain;
  Offset end{0};
  {
    const MutexLock lock(mutex_);
    const auto* found = of_stream(stream);
    if (found == nullptr) return std::nullopt;
    domain = found->first;
    Watched& watched = watched_.at(domain);
    end = watched.known[partition].end;
    watched.doubted.erase(partition);  // one that comes up while the log is asked stays
  }
  LogRange range;
  try {
    const MutexLock asking(asking_);
    range = parts_.topology.range(stream, partition);
  } catch (const Corrupt&) {
    // Posts to it fail one by one.
    return std::nullopt;
  } catch (const Error&) {
    doubt(stream, partition);
    throw;
  }
  const MutexLock lock(mutex_);
  return judge_tail(domain, partition, end, range);
}

std::optional<std::string> LogWatch::judge_tail(const std::string& domain, Partition partition,
                                                Offset before_look, const LogRange& range) {
  Watched& watched = watched_.at(domain);
  ViewStand own{{}, watched.partitions, {}};
  own.positions[partition].position = std::max(before_look, watched.stood[partition]);
  const StreamSeen seen{{}, watched.stream, watched.partitions, {{partition, {range, {}}}}};
  const auto lost = sluice::lost_tails(domain, own, seen);
  if (lost.empty()) return std::nullopt;
  watched.lost.insert_or_assign(partition, lost.at(partition));
  soon_ = true;
  woken_.notify_all();
  return lost.at(partition);
}

}  // namespace sluice
