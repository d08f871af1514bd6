#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "storage/base/errors.h"
#include "storage/postgres/error.h"
#include "storage/postgres/sql_text.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/doctor/log_findings.h"
#include "tools/sluice/doctor/postgres_findings.h"
#include "tools/sluice/doctor/process_findings.h"
#include "tools/sluice/doctor/projection_findings.h"
#include "tools/sluice/engine_lock.h"

namespace sluice {
namespace {

// A flush that waited for a lock in vain comes back within two seconds, and what rides out a moment
// works again.
constexpr std::chrono::milliseconds kAnotherLook{3000};
constexpr const char* kNoPassword =
    "commands leave out the password of the URL: export it as PGPASSWORD";

struct Options {
  std::string domain;
  std::string postgres;
  LogOptions log;
  std::chrono::milliseconds older{10'000};

  [[nodiscard]] bool names_log() const { return !log.data.empty() || !log.brokers.empty(); }
};

// All that there are, or the one that was named.
std::vector<std::string> projections_in(PgConnection& postgres, const std::string& domain) {
  if (postgres.run("SELECT to_regclass('sluice.projection')").null(0, 0)) {
    throw Misconfigured(
        "this database has no views of Sluice: give the URL that `sluice up` prints");
  }
  const PgResult rows =
      postgres.run("SELECT DISTINCT projection FROM sluice.projection ORDER BY 1");
  std::vector<std::string> all;
  for (int i = 0; i < rows.rows(); ++i) all.emplace_back(rows.text(i, 0));
  if (domain.empty()) return all;
  if (std::ranges::count(all, domain) == 0) {
    throw Misconfigured("this database has no views of " + domain + ": it has " + joined(all));
  }
  return {domain};
}

// Of a log that was not named, what nobody else tells. An embedded one has no brokers.
void skip_log(PgConnection& postgres, Diagnosis& diagnosis) {
  const PgResult embedded = postgres.run(
      "SELECT coalesce(bool_and(vitals->'log' IS NOT NULL AND vitals->'log' <> 'null'), false) "
      "FROM sluice.process WHERE seen_at > now() - interval '10 s'");
  if (embedded.text(0, 0) == "t") return;
  for (const char* code : {"isr", "retention"}) {
    diagnosis.skipped.push_back(
        {code, "the log was not asked: give --brokers, where it is on Kafka"});
  }
}

// Nothing else can be asked.
std::optional<Diagnosis> behind_engine_lock(PgConnection& postgres, const Options& options,
                                            std::chrono::milliseconds older) {
  const auto lock = engine_lock(postgres, older);
  if (!lock) return std::nullopt;
  const Place place = place_of(options.postgres);
  Diagnosis diagnosis;
  diagnosis.findings.push_back({"lock_holder", lock->what, lock->evidence, lock->since,
                                "psql " + place.postgres + " -c \"" + lock->end() + "\""});
  diagnosis.skipped.push_back({"all", "process " + lock->pid + " of Postgres is in the way"});
  if (place.lacks_password) diagnosis.note = kNoPassword;
  return diagnosis;
}

Diagnosis look(PgConnection& postgres, const Options& options) {
  Scope scope{projections_in(postgres, options.domain), options.older};
  scope.place = place_of(postgres, options.postgres, options.log);
  std::optional<ExaminedLog> log;
  if (options.names_log()) log.emplace(options.log, options.postgres);
  Diagnosis diagnosis;
  const StandingPartitions standing(postgres, scope);
  find_lock_holders(postgres, scope, diagnosis);
  if (!standing.none()) std::this_thread::sleep_for(kAnotherLook);
  if (!standing.none() && diagnosis.findings.empty()) {
    diagnosis.skipped.clear();
    find_lock_holders(postgres, scope, diagnosis);
  }
  find_in_sessions(postgres, scope, diagnosis);
  find_in_tables(postgres, scope, diagnosis);
  find_missing_indexes(postgres, scope, diagnosis);
  find_in_server(postgres, scope, diagnosis);
  find_in_machines(postgres, scope, diagnosis);
  find_among_processes(postgres, scope, diagnosis);
  find_in_projections(postgres, scope, diagnosis);
  if (!standing.none()) standing.find_still(postgres, scope, diagnosis);
  if (log) {
    scope.waiting = log->find(scope, diagnosis);
  } else {
    skip_log(postgres, diagnosis);
  }
  find_unowned(postgres, scope, log && log->answered(), diagnosis);
  if (scope.place.lacks_password) {
    diagnosis.note = kNoPassword;
  }
  return diagnosis;
}

Diagnosis diagnose(const Options& options) {
  PgConnection postgres(options.postgres);
  if (auto locked = behind_engine_lock(postgres, options, options.older)) return *locked;
  try {
    return look(postgres, options);
  } catch (const Retryable& failure) {
    // A younger lock, waited for until now.
    if (!has_state(failure, "55P03")) throw;
    if (auto locked = behind_engine_lock(postgres, options, std::chrono::milliseconds(0))) {
      return *locked;
    }
    throw;
  }
}

Exit doctor(const Options& options, const OutputForm& output) {
  const Diagnosis diagnosis = diagnose(options);
  if (output.json) {
    print_line(diagnosis.json());
  } else {
    std::fputs(diagnosis.text().c_str(), stdout);
  }
  return diagnosis.findings.empty() ? Exit::done : Exit::found;
}

}  // namespace

void add_doctor(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "doctor",
      "Why it is slow, or soon will be: sessions, locks, tables and indexes of Postgres; disks, "
      "clocks and memory; processes, their log and its topics; generations, owners and quarantine. "
      "Each finding says what was seen, since when, and a command to go on with; commands expect "
      "the URL in SLUICE_POSTGRES. What could not be asked is listed, too. With --data or "
      "--brokers the log itself is asked. Exit 1 when anything is found.",
      "sluice doctor deliberation --postgres postgresql://... --data DIR");
  command.argument("DOMAIN", options->domain, "Of this domain; all when not given").optional();
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.duration("older", options->older, std::chrono::milliseconds(0),
                   "Locks and transactions that are younger are not told of");
  command.runs([options](const OutputForm& output) { return doctor(*options, output); });
}

}  // namespace sluice
