#pragma once

// How the doctor asks Postgres: a question is one statement, and each of its rows is a finding.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/connection.h"
#include "tools/sluice/doctor/finding.h"
#include "tools/sluice/doctor/place.h"

namespace sluice {

// What is looked at.
struct Scope {
  std::vector<std::string> projections;
  std::chrono::milliseconds older{10'000};  // the least age of locks and transactions
  // Of these the log has records that no view shows, as far as the log was asked.
  std::vector<std::string> waiting = {};
  Place place = {};  // in commands that are suggested
};

struct Question {
  std::string_view code;
  // SELECT what, evidence (jsonb), since (timestamptz), next. It may read:
  //   asked     one row of what is looked at: projections text[], older interval, waiting text[],
  //             and how commands name it: postgres, log (see Place)
  //   ours      tables' schemas of the projections asked for, and the engine's: projection,
  //             generation, schema, applied, made_at (null columns: the engine's)
  //   heard     rows of sluice.process that were renewed within 10 s
  //   unheard   the others: of processes that hang or were killed
  std::string sql;
};

// Adds what is found. A question that the user may not ask is skipped, by its code. Throws
// Retryable.
void ask(PgConnection& postgres, const Scope& scope, const Question& question,
         Diagnosis& diagnosis);

// SQL that makes a command: psql, of `statement`, SQL that makes the statement.
[[nodiscard]] std::string psql(std::string_view statement);

// SQL that makes one word of a shell, of `text`, SQL that makes the text.
[[nodiscard]] std::string shell_word_sql(std::string_view text);

// Within a text literal of SQL: " --postgres ..." as commands of ours have it.
inline constexpr std::string_view kPostgresFlagSql =
    "' || (SELECT ' --postgres ' || postgres FROM asked) || '";

}  // namespace sluice
