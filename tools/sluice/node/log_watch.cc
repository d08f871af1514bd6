#include "tools/sluice/node/log_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::chrono::minutes kBetweenLooks{1};
// Who took a way out waits for nothing else.
constexpr std::chrono::seconds kWhileWrong{1};
// Whatever happens: a log that fails appends fails many of them.
constexpr std::chrono::seconds kLeastBetweenLooks{1};

bool is_empty(const StreamSeen& stream) {
  if (!stream.partitions) return true;
  return stream.seen.size() == static_cast<std::size_t>(*stream.partitions) &&
         std::ranges::all_of(stream.seen,
                             [](const auto& each) { return each.second.range.end == Offset{0}; });
}

bool loses(const std::vector<SettingFault>& faults) {
  return std::ranges::any_of(faults, &SettingFault::loses);
}

std::string told(const std::string& stream, const SettingFault& fault) {
  const std::string mend = fault.wanted.empty() ? "" : ". `sluice topics apply` puts it right";
  return "of the topic " + stream + " " + describe(fault) + mend;
}

void log_settings(const std::string& stream, const std::vector<SettingFault>& before,
                  const std::vector<SettingFault>& now) {
  for (const SettingFault& fault : now) {
    if (std::ranges::count(before, fault) > 0) continue;
    spdlog::log(fault.loses ? spdlog::level::err : spdlog::level::warn,
                "topic set wrong topic={} setting={} value={} reason=\"{}\"", stream, fault.setting,
                fault.value, told(stream, fault));
  }
  for (const SettingFault& fault : before) {
    const auto same = [&](const SettingFault& other) { return other.setting == fault.setting; };
    if (std::ranges::none_of(now, same)) {
      spdlog::info("topic set right topic={} setting={}", stream, fault.setting);
    }
  }
}

void log_mismatch(const std::string& domain, const LogMismatch* before, const LogMismatch* now) {
  if (now != nullptr && (before == nullptr || *before != *now)) {
    spdlog::error("domain refused domain={} reason=\"{}\"", domain, now->text);
  }
  if (now == nullptr && before != nullptr) spdlog::info("domain taken again domain={}", domain);
}

}  // namespace

LogWatch::LogWatch(std::map<std::string, int, std::less<>> partitions, LogWatchParts parts)
    : parts_(parts) {
  for (const auto& [domain, count] : partitions) {
    Watched& watched = watched_[domain];
    watched.stream = stream_of(domain);
    watched.partitions = count;
  }
}

void LogWatch::start() {
  look(When::at_start);
  const MutexLock lock(mutex_);
  for (const auto& [domain, watched] : watched_) {
    if (watched.wrong && watched.wrong->kind == LogMismatch::Kind::another_log) {
      throw Misconfigured(watched.wrong->text);
    }
  }
}

void LogWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      woken_.wait_for(lock, stop, kLeastBetweenLooks, [] { return false; });
      const Clock::duration pause = is_wrong() ? Clock::duration(kWhileWrong) : kBetweenLooks;
      woken_.wait_for(lock, stop, pause, [this]() SLUICE_REQUIRES(mutex_) { return soon_; });
      soon_ = false;
    }
    if (!stop.stop_requested()) look_again();
  }
}

void LogWatch::look_again() {
  try {
    look(When::later);
  } catch (const Retryable& failure) {
    // Who works with them says so.
    spdlog::debug("log not looked at error=\"{}\"", failure.what());
  } catch (const Error& failure) {
    spdlog::warn("log not looked at error=\"{}\"", failure.what());
  }
}

void LogWatch::look(When when) {
  const MutexLock looking(looking_);
  if (parts_.views != nullptr) {
    ViewStands stands = parts_.views->read();
    const MutexLock lock(mutex_);
    stands_ = std::move(stands);
  }
  for (const std::string& domain : domains()) look_at_stream(domain, when);
  look_at_others();
}

// What does not answer is not known to be empty.
void LogWatch::look_at_others() {
  std::vector<std::string> empty;
  const std::vector<std::string> watched = domains();
  for (const Domain& domain : sluice::domains()) {
    if (std::ranges::count(watched, domain.name) > 0) continue;
    try {
      const MutexLock asking(asking_);
      if (is_empty(look_at(parts_.topology, stream_of(domain.name)))) {
        empty.emplace_back(domain.name);
      }
    } catch (const Error& failure) {
      spdlog::debug("stream not looked at domain={} error=\"{}\"", domain.name, failure.what());
    }
  }
  const MutexLock lock(mutex_);
  empty_ = std::move(empty);
}

std::vector<std::string> LogWatch::domains() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& each : watched_) names.push_back(each.first);
  return names;
}

void LogWatch::look_at_stream(const std::string& domain, When when) {
  StreamSeen seen;
  std::optional<std::vector<SettingFault>> faults;
  // What is appended while the log is looked at is no part of what is seen of it.
  std::map<Partition, Known> known;
  {
    const MutexLock lock(mutex_);
    known = watched_.at(domain).known;
  }
  try {
    const MutexLock asking(asking_);
    seen = look_at(parts_.topology, stream_of(domain));
    if (parts_.settings != nullptr && seen.partitions) faults = settings_of(seen.stream);
  } catch (const Corrupt& damage) {
    return cannot_read(domain, damage.what());
  }
  bool binds = false;
  {
    const MutexLock lock(mutex_);
    Watched& watched = watched_.at(domain);
    judge(domain, watched, known, seen);
    if (faults) judge_settings(watched, *faults, when);
    const auto stand = stands_.find(domain);
    binds = wrong_of(watched) == nullptr && stand != stands_.end() && may_bind(stand->second, seen);
  }
  if (binds) parts_.views->bind(domain, seen.log);
}

void LogWatch::cannot_read(const std::string& domain, const std::string& why) {
  const MutexLock lock(mutex_);
  Watched& watched = watched_.at(domain);
  const std::optional<LogMismatch> before = watched.wrong;
  watched.wrong = LogMismatch{LogMismatch::Kind::unreadable, why};
  log_mismatch(domain, before ? &*before : nullptr, &*watched.wrong);
}

// nullopt: they may not be read.
std::optional<std::vector<SettingFault>> LogWatch::settings_of(const std::string& stream) {
  try {
    return parts_.settings->faults(stream);
  } catch (const Misconfigured& failure) {
    if (!std::exchange(settings_closed_, true)) {
      spdlog::warn("topic settings not checked topic={} error=\"{}\"", stream, failure.what());
    }
    return std::nullopt;
  }
}

// Against what the database has, and against what this process has seen and appended: where it has
// no database, or nothing was folded yet, nothing else would tell.
void LogWatch::judge(const std::string& domain, Watched& watched,
                     const std::map<Partition, Known>& before_look, const StreamSeen& seen) {
  std::optional<LogMismatch> before;
  if (const LogMismatch* wrong = wrong_of(watched)) before = *wrong;
  const auto stand = stands_.find(domain);
  const bool has_stand = stand != stands_.end();
  ViewStand own{{}, has_stand ? stand->second.partitions : watched.partitions, {}};
  const std::set<Partition> anew =
      has_stand ? set_back(stand->second, watched) : std::set<Partition>{};
  for (const auto& [partition, known] : before_look) {
    if (anew.contains(partition)) continue;
    own.positions[partition].position = known.end;
    own.positions[partition].log = known.identity;
  }
  const auto changed = mismatch(domain, own, seen);
  if (changed && changed->kind == LogMismatch::Kind::made_anew) watched.changed = changed;
  watched.lost = sluice::lost_tails(domain, own, seen);
  if (has_stand) watched.lost.merge(sluice::lost_tails(domain, stand->second, seen));
  watched.wrong = has_stand ? mismatch(domain, stand->second, seen) : changed;
  if (!has_stand && changed && changed->kind == LogMismatch::Kind::partitions) {
    watched.wrong->text = other_than_told(domain, watched.partitions, seen);
  }
  for (const auto& [partition, found] : seen.seen) {
    Known& known = watched.known[partition];
    if (!known.identity) known.identity = found.identity;
    known.end = anew.contains(partition) ? found.range.end : std::max(known.end, found.range.end);
    known.asked = false;
  }
  const LogMismatch* now = wrong_of(watched);
  log_mismatch(domain, before ? &*before : nullptr, now);
}

// A view that was set back is folded anew from what the log has now, whatever it had before.
std::set<Partition> LogWatch::set_back(const ViewStand& stand, Watched& watched) {
  std::set<Partition> back;
  for (const auto& [partition, view] : stand.positions) {
    Offset& stood = watched.stood[partition];
    if (view.position < stood) back.insert(partition);
    stood = view.position;
  }
  return back;
}

// As troubles() tells.
bool LogWatch::is_wrong() const {
  return std::ranges::any_of(watched_, [](const auto& each) {
    const Watched& watched = each.second;
    return wrong_of(watched) != nullptr || !watched.lost.empty() || loses(watched.faults);
  });
}

void LogWatch::judge_settings(Watched& watched, const std::vector<SettingFault>& faults,
                              When when) {
  log_settings(watched.stream, watched.faults, faults);
  watched.refused = loses(faults) && (watched.refused || when == When::at_start);
  watched.faults = faults;
}

const LogMismatch* LogWatch::wrong_of(const Watched& watched) {
  if (watched.changed) return &*watched.changed;
  return watched.wrong ? &*watched.wrong : nullptr;
}

ViewStands LogWatch::stands() const {
  const MutexLock lock(mutex_);
  return stands_;
}

std::optional<std::string> LogWatch::wrong_log(std::string_view domain) const {
  const MutexLock lock(mutex_);
  const auto found = watched_.find(domain);
  if (found == watched_.end()) return std::nullopt;
  const LogMismatch* wrong = wrong_of(found->second);
  if (wrong == nullptr || wrong->kind == LogMismatch::Kind::gone) return std::nullopt;
  return wrong->text;
}

std::vector<std::string> LogWatch::empty_streams() const {
  const MutexLock lock(mutex_);
  return empty_;
}

bool LogWatch::unreadable(std::string_view domain) const {
  const MutexLock lock(mutex_);
  const auto found = watched_.find(domain);
  const bool watches = found != watched_.end();
  return watches && found->second.wrong &&
         found->second.wrong->kind == LogMismatch::Kind::unreadable;
}

std::optional<std::string> LogWatch::refuses(std::string_view domain) {
  const MutexLock lock(mutex_);
  const auto found = watched_.find(domain);
  if (found == watched_.end()) return std::nullopt;
  const Watched& watched = found->second;
  const LogMismatch* wrong = wrong_of(watched);
  if (wrong == nullptr && !watched.refused) return std::nullopt;
  soon_ = true;
  woken_.notify_all();
  if (wrong != nullptr) return wrong->text;
  return told(watched.stream, *std::ranges::find_if(watched.faults, &SettingFault::loses));
}

std::vector<std::string> LogWatch::troubles() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [domain, watched] : watched_) {
    if (const LogMismatch* wrong = wrong_of(watched)) all.push_back(domain + ": " + wrong->text);
    for (const auto& [partition, why] : watched.lost) all.push_back(domain + ": " + why);
    for (const SettingFault& fault : watched.faults) {
      if (fault.loses) all.push_back(domain + ": " + told(watched.stream, fault));
    }
  }
  return all;
}

std::string LogWatch::short_form(std::string_view domain, Partition partition, Offset reached) {
  {
    const MutexLock lock(mutex_);
    const auto found = watched_.find(domain);
    if (found == watched_.end()) return {};
    Known& known = found->second.known[partition];
    if ((known.identity || known.asked) && reached > known.end) {
      known.end = reached;
      return known.identity ? std::string(known.identity->short_form()) : "";
    }
  }
  // Its first record, or one at an offset that was given out before.
  std::optional<LogIdentity> identity;
  std::optional<std::string> lost;
  try {
    {
      const MutexLock asking(asking_);
      identity = parts_.topology.identity(stream_of(domain), partition);
    }
    lost = look_at_tail(stream_of(domain), partition);
  } catch (const Error& failure) {
    spdlog::warn("log not told domain={} partition={} error=\"{}\"", domain, partition.value,
                 failure.what());
    look_soon();
    return {};
  }
  const MutexLock lock(mutex_);
  Known& known = watched_.find(domain)->second.known[partition];
  if (known.identity && identity && known.identity != identity) {
    // The look says what is wrong.
    soon_ = true;
    woken_.notify_all();
  } else if (lost) {
    throw Corrupt(*lost);
  } else {
    if (identity) known.identity = identity;
    known.asked = true;
    known.end = std::max(known.end, reached);
  }
  return identity ? std::string(identity->short_form()) : "";
}

void LogWatch::look_soon() {
  const MutexLock lock(mutex_);
  soon_ = true;
  woken_.notify_all();
}

}  // namespace sluice
