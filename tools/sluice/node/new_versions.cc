#include "tools/sluice/node/new_versions.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "storage/base/crash_point.h"
#include "storage/base/errors.h"
#include "storage/postgres/swap/comparison.h"
#include "storage/postgres/swap/promotion.h"
#include "tools/sluice/cli/pause.h"
#include "tools/sluice/generations/comparison_json.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenTurns{500};
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{60'000};
// A start is not held up longer by the views' readers when it is told to end.
constexpr milliseconds kLockWait{3000};
constexpr std::int64_t kRecordsBehind = 1000;
constexpr int kRefusalsUntold = 10;
// What was compared lately is not compared again where only the swap did not come through.
constexpr std::chrono::minutes kComparisonHolds{10};
constexpr milliseconds kStatementTimeout{4000};

std::string columns_of(const TableComparison& table) {
  std::string text;
  for (const auto& [column, rows] : table.columns) {
    text += (text.empty() ? "" : ",") + column + ":" + std::to_string(rows);
  }
  return text;
}

// A line for each table that differs.
void tell_differences(const std::string& domain, const Comparison& made) {
  for (const TableComparison& table : made.tables) {
    if (table.added + table.missing + table.changed == 0) continue;
    spdlog::info(
        "new version differs projection={} generation={} against={} table={} same={} added={} "
        "missing={} changed={} columns={}",
        domain, made.generation, made.against, table.table, table.same, table.added, table.missing,
        table.changed, columns_of(table));
  }
}

}  // namespace

NewVersions::NewVersions(std::string postgres, std::span<const PublishedSchema> schemas,
                         NewVersionRule rule)
    : postgres_(std::move(postgres)), rule_(rule), connection_(postgres_, kStatementTimeout) {
  for (const PublishedSchema& schema : schemas) {
    pending_.push_back({.schema = &schema, .pause = kFirstPause});
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void NewVersions::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

std::map<std::string, std::string> NewVersions::waits() const {
  const MutexLock lock(mutex_);
  return waits_;
}

std::vector<std::string> NewVersions::troubles() const {
  std::vector<std::string> all;
  for (const auto& [domain, why] : waits()) all.push_back(domain + ": " + why);
  return all;
}

void NewVersions::run(const std::stop_token& stop) {
  connection_.heed(stop);
  while (!pending_.empty() && !stop.stop_requested()) {
    std::erase_if(pending_, [&](Pending& each) {
      if (stop.stop_requested()) return false;
      const bool due = Clock::now() >= each.next_try;
      try {
        return (has_changed(each) || due) && look(each, stop) == Left::nothing;
      } catch (const std::exception& failure) {
        // A database that is away is told by readiness; it is asked again.
        if (due && !stop.stop_requested()) note(each, failure.what());
      }
      return false;
    });
    std::map<std::string, std::string> all;
    for (const Pending& each : pending_) {
      if (!each.trouble.empty()) all.emplace(each.schema->domain, each.trouble);
    }
    {
      const MutexLock lock(mutex_);
      waits_ = std::move(all);
    }
    if (!pending_.empty()) pause(kBetweenTurns, stop);
  }
  connection_.disconnect();
}

// A line for each change, once; then it is tried again later and later.
void NewVersions::note(Pending& pending, const std::string& trouble) {
  if (std::exchange(pending.trouble, trouble) != trouble) {
    spdlog::warn("new version waits projection={} reason=\"{}\"", pending.schema->domain, trouble);
  }
  pending.next_try = Clock::now() + pending.pause;
  pending.pause = std::min(pending.pause * 2, kLongestPause);
}

// What was in the way may be gone, and what is told of it not be true any more.
bool NewVersions::has_changed(Pending& pending) {
  const PgResult found = connection_.run(
      "SELECT concat_ws(';', (SELECT string_agg(concat_ws(' ', generation, status, "
      "promotes_itself), ',' "
      "ORDER BY generation) FROM sluice.projection WHERE projection = $1), "
      "(SELECT string_agg(DISTINCT vitals->'rules'->>$1, ',') FROM sluice.process "
      "WHERE seen_at > now() - interval '10 s'))",
      {pending.schema->domain});
  const std::string there(found.text(0, 0));
  if (std::exchange(pending.there, there) == there) return false;
  pending.pause = kFirstPause;
  return true;
}

void NewVersions::refused(Pending& pending, int generation, const GenerationRefusal& refusal) {
  const std::string why = refusal.word + ": " + refusal.reason;
  // It is ready some records before it may be promoted, and flushes may be slow for a moment.
  const bool may_pass =
      refusal.word == "lagging" || refusal.word == "busy" || refusal.word == "no_owner";
  if (may_pass && ++pending.refusals < kRefusalsUntold) {
    pending.next_try = Clock::now() + kFirstPause;
    return;
  }
  connection_.run(
      "UPDATE sluice.projection SET reason = $3 WHERE projection = $1 AND generation = $2 "
      "AND promotes_itself AND status = 'ready'",
      {pending.schema->domain, std::to_string(generation), why});
  note(pending, "generation " + std::to_string(generation) +
                    " is ready and could not be promoted, which is tried again: " + why);
}

NewVersions::Left NewVersions::look(Pending& pending, const std::stop_token& stop) {
  const PgResult own = connection_.run(
      "SELECT generation, status FROM sluice.projection WHERE projection = $1 AND version = $2 "
      "AND promotes_itself AND status IN ('building', 'ready')",
      {pending.schema->domain, std::to_string(pending.schema->version)});
  if (own.rows() == 0) return look_for_own(pending);
  if (rule_ == NewVersionRule::ask) return Left::nothing;
  if (own.text(0, 1) == "building") {
    pending.trouble.clear();
    pending.pause = kFirstPause;
    return Left::something;
  }
  const int generation = static_cast<int>(own.number(0, 0));
  const auto why = promote(pending, generation, stop);
  if (!why || why->word == "decided") return Left::nothing;
  refused(pending, generation, *why);
  return Left::something;
}

NewVersions::Left NewVersions::look_for_own(Pending& pending) {
  const VersionStand stand =
      stand_of_version(postgres_, *pending.schema, rule_ == NewVersionRule::rebuild);
  switch (stand.is) {
    case VersionStand::Is::folded:
      return Left::nothing;
    case VersionStand::Is::awaited:
      note(pending, stand.why);
      return Left::something;
    case VersionStand::Is::made:
      pending.trouble.clear();
      return Left::something;
  }
  return Left::nothing;
}

std::optional<GenerationRefusal> NewVersions::promote(Pending& pending, int generation,
                                                      const std::stop_token& stop) {
  const std::string domain(pending.schema->domain);
  const auto chosen = promotable(postgres_, domain, generation, kRecordsBehind);
  if (const auto* refusal = std::get_if<GenerationRefusal>(&chosen)) return *refusal;
  const GenerationPair& pair = std::get<GenerationPair>(chosen);
  if (!pending.compared || Clock::now() - *pending.compared > kComparisonHolds) {
    if (auto refusal = compare_and_note(pending, pair, stop)) return refusal;
    pending.compared = Clock::now();
  }
  const Promoted promoted = promote_itself(postgres_, pair, {.lock_wait = kLockWait});
  if (const auto* refusal = std::get_if<GenerationRefusal>(&promoted)) return *refusal;
  const Promotion& done = std::get<Promotion>(promoted);
  spdlog::info("new version is live projection={} generation={} was={} version={} positions={}",
               domain, done.live, done.was, pending.schema->version, json_of(done.positions));
  for (const GenerationRefusal& left : done.left) spdlog::warn("{} {}", domain, left.reason);
  return std::nullopt;
}

std::optional<GenerationRefusal> NewVersions::compare_and_note(const Pending& pending,
                                                               const GenerationPair& pair,
                                                               const std::stop_token& stop) {
  const auto made = compare(postgres_, pair,
                            {.tables = pending.schema->tables,
                             .emits = pending.schema->emits,
                             .expected = {},
                             .samples = 0,
                             .stop = stop});
  if (const auto* refusal = std::get_if<GenerationRefusal>(&made)) return *refusal;
  const Comparison& comparison = std::get<Comparison>(made);
  connection_.run(
      "UPDATE sluice.projection SET differences = $3::jsonb WHERE projection = $1 "
      "AND generation = $2",
      {pair.domain, std::to_string(pair.other), json_of(comparison)});
  crash_point(CrashPoint("generation.compared"));
  tell_differences(pair.domain, comparison);
  return std::nullopt;
}

}  // namespace sluice
