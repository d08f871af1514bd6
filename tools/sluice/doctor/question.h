#pragma once

// How the doctor asks Postgres: a question is one statement, and each of its rows is a finding.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/connection.h"
#include "tools/sluice/doctor/finding.h"

namespace sluice {

// What is looked at.
struct Scope {
  std::vector<std::string> projections;
  std::chrono::milliseconds older{10'000};  // the least age of locks and transactions
  // Of these the log has records that no view shows, as far as the log was asked.
  std::vector<std::string> waiting = {};
};

struct Question {
  std::string_view code;
  // SELECT what, evidence (jsonb), since (timestamptz), next. It may read:
  //   asked     one row of what is looked at: projections text[], older interval, waiting text[]
  //   ours      tables' schemas of the projections asked for, and the engine's: projection,
  //             generation, schema, applied, made_at (null columns: the engine's)
  //   heard     rows of sluice.process that were renewed within 10 s
  std::string sql;
};

// Adds what is found. A question that the user may not ask is skipped, by its code. Throws
// Retryable.
void ask(PgConnection& postgres, const Scope& scope, const Question& question,
         Diagnosis& diagnosis);

// "psql "$SLUICE_POSTGRES" -c "STATEMENT"" as SQL text that makes it, of `statement`, SQL that
// makes the statement. No URL: that has a password.
[[nodiscard]] std::string psql(std::string_view statement);

// How commands of ours name the database in what is suggested.
inline constexpr std::string_view kPostgresFlag = " --postgres \"$SLUICE_POSTGRES\"";

}  // namespace sluice
