#include "projectors/engine/run/monitor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "projectors/engine/run/partition_label.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A turn waits 20 ms for records and flushes within a quarter of a second; one that takes longer
// than this may be waiting for somebody.
constexpr milliseconds kTurnExpected{700};
// An operator is to hear of what stands still within five seconds. A large flush while a view
// catches up takes less.
constexpr milliseconds kPhaseLimit{4000};
// Longer than a failover of a connection, and with the time of one question below five seconds.
constexpr milliseconds kAnswerLimit{3000};

// As the view begins what it says itself of a partition without an owner.
constexpr std::string_view kNobody = "no process";

// Of the live generation.
std::string label(std::string_view projection, Partition partition) {
  return partition_label(projection, 0, true, partition);
}

std::string label(const WatchedWorker& worker, Partition partition) {
  return partition_label(worker.projection, worker.generation, worker.live, partition);
}

std::string in_seconds(Monitor::Clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

std::string described(const GroupMemberSeen& member) {
  return member.member + " (client id " + member.client + ", host " + member.host + ")";
}

}  // namespace

Monitor::Monitor(MonitorConfig config, MonitorParts parts)
    : config_(std::move(config)), parts_(parts) {
  for (const MonitorConfig::Watched& of : config_.projections)
    projections_.push_back(of.projection);
}

// Party

void Monitor::Party::asked(Clock::time_point now) {
  const MutexLock lock(mutex_);
  asked_ = now;
}

void Monitor::Party::answered() {
  const MutexLock lock(mutex_);
  if (failing_since_) spdlog::info("answers again who={}", name_);
  asked_.reset();
  failing_since_.reset();
  why_.clear();
}

void Monitor::Party::failed(const std::string& why) {
  const MutexLock lock(mutex_);
  if (!failing_since_) {
    failing_since_ = asked_;
    spdlog::warn("does not answer who={} error=\"{}\"", name_, why);
  }
  asked_.reset();
  why_ = why;
}

void Monitor::Party::not_asked() {
  const MutexLock lock(mutex_);
  asked_.reset();
  failing_since_.reset();
  why_.clear();
}

std::string Monitor::Party::silence(Clock::time_point now) const {
  const MutexLock lock(mutex_);
  const auto since = failing_since_ ? failing_since_ : asked_;
  if (!since || now - *since < kAnswerLimit) return {};
  return name_ + ": no answer for " + in_seconds(now - *since) + (why_.empty() ? "" : ": " + why_);
}

// Monitor

void Monitor::look() {
  const Workers workers = parts_.probe.workers();
  const bool answers = ask(view_, [&] {
    find_locks(workers);
    speak_for_late(workers);
    look_for_generations();
  });
  ask(log_, [&] { hear_log(workers); });
  tell_of_silent_log(workers);
  std::vector<UnownedPartition> unowned;
  const Clock::time_point asked = config_.clock();
  const bool told = answers && ask(owners_, [&] { unowned = parts_.views.unowned(projections_); });
  if (told) explain_others(unowned, workers);
  const MutexLock lock(mutex_);
  if (told) {
    unowned_ = std::move(unowned);
    unowned_at_ = asked;
  }
  has_looked_ = true;
}

void Monitor::look_for_generations() {
  std::vector<std::string> projections;
  for (const MonitorConfig::Watched& of : config_.projections) projections.push_back(of.projection);
  std::vector<GenerationSeen> seen = parts_.views.generations(projections);
  const MutexLock lock(mutex_);
  generations_ = std::move(seen);
}

std::vector<GenerationSeen> Monitor::generations() const {
  const MutexLock lock(mutex_);
  return generations_;
}

template <class Ask>
bool Monitor::ask(Party& party, Ask question) {
  party.asked(config_.clock());
  try {
    question();
  } catch (const std::exception& failure) {
    party.failed(failure.what());
    return false;
  }
  party.answered();
  return true;
}

bool Monitor::is_late(const WatchedWorker& worker) const {
  return config_.clock() - worker.turned > kTurnExpected;
}

// Where a lock is known, at once; else after the limit.
std::string Monitor::trouble_of(const std::string& name, const WatchedWorker& worker) const {
  if (!is_late(worker)) return {};
  {
    const MutexLock lock(mutex_);
    const auto found = locks_.find(name);
    if (found != locks_.end()) return words_for(worker) + " waits for " + found->second;
  }
  const auto age = config_.clock() - worker.since;
  if (age < kPhaseLimit) return {};
  return "has been in " + words_for(worker) + " for " + in_seconds(age);
}

void Monitor::find_locks(const Workers& workers) {
  std::vector<std::string> sessions;
  for (const auto& [name, worker] : workers) {
    if (is_late(worker)) sessions.push_back(worker.session);
  }
  const std::map<std::string, std::string> waiting = parts_.views.locks(sessions);
  Texts locks;
  for (const auto& [name, worker] : workers) {
    const auto found = waiting.find(worker.session);
    if (found == waiting.end() || !is_late(worker)) continue;
    locks[name] = found->second;
    if (worker.phase == WorkerPhase::flushing && worker.partition) {
      parts_.probe.waits_for(label(worker, *worker.partition),
                             words_for(worker) + " waits for " + found->second);
    }
  }
  const MutexLock lock(mutex_);
  for (const auto& [name, text] : locks) {
    const auto before = locks_.find(name);
    if (before != locks_.end() && before->second == text) continue;
    spdlog::warn("worker waits worker=\"{}\" in=\"{}\" for=\"{}\"", name,
                 words_for(workers.at(name)), text);
  }
  locks_ = std::move(locks);
}

// All partitions of a worker stand still with it.
void Monitor::speak_for_late(const Workers& workers) {
  for (const auto& [name, worker] : workers) {
    if (!is_late(worker)) continue;
    const std::string trouble = trouble_of(name, worker);
    std::vector<LogProgress> progress;
    for (const HeldPartition& held : worker.held) {
      if (held.owner.empty()) continue;
      const Offset heard = parts_.probe.found(label(worker, held.partition)).log_end;
      progress.push_back({held.partition, std::max(held.log_end, heard), held.owner,
                          trouble.empty() ? held.trouble : trouble});
    }
    // Not an owner's word yet.
    if (worker.phase == WorkerPhase::claiming && worker.partition && !trouble.empty()) {
      progress.push_back({*worker.partition, Offset{0}, config_.instance, trouble});
    }
    if (!progress.empty()) parts_.views.speak_for(worker.projection, worker.generation, progress);
  }
}

void Monitor::hear_log(const Workers& workers) {
  Texts unserved;
  for (const MonitorConfig::Watched& of : config_.projections) {
    std::vector<Partition> leaderless;
    if (parts_.cluster != nullptr) {
      leaderless = parts_.cluster->unserved(of.stream).value_or(leaderless);
    } else {
      static_cast<void>(parts_.topology.partitions(of.stream));
    }
    for (const Partition partition : leaderless) {
      unserved[label(of.projection, partition)] = "no broker serves " + of.stream + "/" +
                                                  std::to_string(partition.value) +
                                                  ": start the one that has it";
    }
    for (const auto& [name, worker] : workers) {
      if (worker.projection != of.projection) continue;
      for (const HeldPartition& held : worker.held) {
        const auto found = unserved.find(label(of.projection, held.partition));
        hear_partition(of, worker, held, found == unserved.end() ? "" : found->second);
      }
    }
  }
  const MutexLock lock(mutex_);
  unserved_ = std::move(unserved);
}

void Monitor::hear_partition(const MonitorConfig::Watched& of, const WatchedWorker& worker,
                             const HeldPartition& held, const std::string& trouble) {
  const std::string name = label(worker, held.partition);
  Offset end = parts_.probe.found(name).log_end;
  if (trouble.empty() && (is_late(worker) || !held.fetched)) {
    try {
      end = parts_.topology.range(of.stream, held.partition).end;
    } catch (const Retryable&) {
      throw;
    } catch (const Error&) {
      // The partition's worker stops for it, and says so.
    }
  }
  parts_.probe.heard_of_log(name, end, trouble);
}

// Their workers are silent as their readers are, and would go on saying that nothing is wrong.
void Monitor::tell_of_silent_log(const Workers& workers) {
  const std::string trouble = log_.silence(config_.clock());
  if (trouble.empty()) return;
  for (const auto& [name, worker] : workers) {
    for (const HeldPartition& held : worker.held) {
      const std::string partition = label(worker, held.partition);
      parts_.probe.heard_of_log(partition, parts_.probe.found(partition).log_end, trouble);
    }
  }
}

// Of partitions that workers here have these say themselves why nothing is done with them.
void Monitor::explain_others(std::vector<UnownedPartition> unowned, const Workers& workers) {
  std::erase_if(unowned, [](const UnownedPartition& each) { return each.owned; });
  std::erase_if(unowned, [&](const UnownedPartition& each) {
    return std::ranges::any_of(workers, [&](const auto& worker) {
      return worker.second.projection == each.projection &&
             worker.second.generation == each.generation &&
             std::ranges::count(worker.second.held, each.partition, &HeldPartition::partition) > 0;
    });
  });
  explain(unowned);
}

void Monitor::explain(const std::vector<UnownedPartition>& unowned) {
  std::map<std::string, std::vector<GroupMemberSeen>> members;  // by projection
  Texts why;
  Texts built;  // beside `why`, whose changes are told in the log: this one changes all the time
  bool asks_groups = false;
  for (const MonitorConfig::Watched& of : config_.projections) {
    const auto first = std::ranges::find(unowned, of.projection, &UnownedPartition::projection);
    if (first == unowned.end() || parts_.cluster == nullptr) continue;
    const auto learn = [&] {
      members[of.projection] = parts_.cluster->members(of.group(first->generation), of.stream);
    };
    asks_groups = true;
    if (!ask(groups_, learn)) break;
  }
  if (!asks_groups) groups_.not_asked();
  for (const UnownedPartition& each : unowned) {
    const std::string text = why_unowned(each, members[each.projection]);
    why[label(each.projection, each.partition)] = text;
    if (!each.built.empty()) built[label(each.projection, each.partition)] = each.built;
    if (text.starts_with(kNobody)) continue;  // the view tells since when
    const LogProgress word{each.partition, Offset{0}, config_.instance, text};
    ask(owners_, [&] { parts_.views.speak_for(each.projection, each.generation, {&word, 1}); });
  }
  const MutexLock lock(mutex_);
  for (const auto& [partition, text] : why) {
    const auto before = why_unowned_.find(partition);
    if (before == why_unowned_.end() || before->second != text) {
      // Ordinary at every start and in every rebalance: a line at info, and readiness says it.
      const auto level = text.starts_with(kNobody) ? spdlog::level::info : spdlog::level::warn;
      spdlog::log(level, "partition without owner partition={} reason=\"{}\"", partition, text);
    }
  }
  why_unowned_ = std::move(why);
  built_ = std::move(built);
}

std::string Monitor::why_unowned(const UnownedPartition& partition,
                                 const std::vector<GroupMemberSeen>& members) const {
  const auto member = std::ranges::find_if(members, [&](const GroupMemberSeen& each) {
    return std::ranges::count(each.has, partition.partition) > 0;
  });
  if (member == members.end()) return std::string(kNobody) + " has taken it";
  if (!config_.member.empty() && member->member.starts_with(config_.member + "-")) {
    return std::string(kNobody) + " has taken it yet, though it was given to this one";
  }
  if (member->client == config_.client) {
    return "not taken: its group has given it to another process of this program, which says "
           "nothing, " +
           described(*member) +
           (partition.had_by.empty() ? "" : "; " + partition.had_by + " had it last") +
           ". If that one has ended, the group keeps its place for a session (10 s), so that a "
           "restart moves nothing, and then deals anew; else it hangs: let it go on, or end it";
  }
  return "not taken: its group has given it to a member that does not project it, " +
         described(*member) + ". End that application, or let it read in a group of its own";
}

std::vector<UnownedPartition> Monitor::unowned() const {
  const MutexLock lock(mutex_);
  std::vector<UnownedPartition> all = unowned_;
  const auto since = std::chrono::duration_cast<milliseconds>(config_.clock() - unowned_at_);
  for (UnownedPartition& each : all) {
    if (each.freshness) *each.freshness += since;
  }
  return all;
}

std::vector<std::string> Monitor::troubles() const {
  const Workers workers = parts_.probe.workers();
  std::vector<std::string> all;
  for (const auto& [name, worker] : workers) {
    const std::string trouble = trouble_of(name, worker);
    if (!trouble.empty()) all.push_back(name + ": " + trouble);
  }
  const Clock::time_point now = config_.clock();
  for (const Party* party : {&view_, &log_, &owners_, &groups_}) {
    if (std::string text = party->silence(now); !text.empty()) all.push_back(std::move(text));
  }
  const MutexLock lock(mutex_);
  if (!has_looked_) all.emplace_back("it is starting");
  for (const Texts* texts : {&unserved_, &why_unowned_}) {
    for (const auto& [partition, why] : *texts) {
      const auto beside = built_.find(partition);
      all.push_back(partition + ": " + why + (beside == built_.end() ? "" : "; " + beside->second));
    }
  }
  return all;
}

}  // namespace sluice
