// The server and its disk, as this command meets them.

#include <cmath>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/commit_times.h"
#include "storage/postgres/postgres_vitals.h"
#include "tools/sluice/doctor/bounds.h"
#include "tools/sluice/doctor/postgres_findings.h"

namespace sluice {
namespace {

constexpr int kCommits = 7;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

void find_slow_commits(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  const auto took = time_commits(postgres, kCommits);
  if (!took) return;
  const double median = seconds((*took)[took->size() / 2]);
  if (median < kSlowFsyncSeconds) return;
  JsonWriter evidence;
  evidence.begin_object().field("where", "postgres").field("commits", took->size());
  evidence.name("median_seconds").real(median);
  evidence.name("longest_seconds").real(seconds(took->back())).end_object();
  diagnosis.findings.push_back(
      {.code = "slow_fsync",
       .what = "A commit of nothing takes Postgres " + rounded(1000 * median) +
               " ms: its disk is slow to make the write-ahead log durable, and each flush waits "
               "for that",
       .evidence = evidence.take(),
       .since = std::nullopt,
       .next = "pg_test_fsync -f \"$(psql " + scope.place.postgres +
               " -Atc 'SHOW data_directory')/pg_test_fsync\""});
}

void find_clock(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  const double ahead = ask_vitals(postgres).clock_ahead_seconds;
  if (std::abs(ahead) < kClockSeconds) return;
  JsonWriter evidence;
  evidence.begin_object().field("where", "here").name("ahead_seconds").real(ahead).end_object();
  diagnosis.findings.push_back(
      {.code = "clock",
       .what = "The clock of this machine is " + rounded(std::abs(ahead)) + " s " +
               (ahead > 0 ? "ahead of" : "behind") + " that of Postgres",
       .evidence = evidence.take(),
       .since = std::nullopt,
       .next =
           "timedatectl status; psql " + scope.place.postgres + " -c 'SELECT clock_timestamp()'"});
}

}  // namespace

void find_in_server(PgConnection& postgres, const Scope& scope, Diagnosis& diagnosis) {
  try {
    find_slow_commits(postgres, scope, diagnosis);
  } catch (const Misconfigured& refusal) {
    postgres.roll_back();
    diagnosis.skipped.push_back({"slow_fsync", refusal.what()});
  }
  find_clock(postgres, scope, diagnosis);
}

}  // namespace sluice
