#include "tools/sluice/doctor/question.h"

#include "storage/base/errors.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

constexpr const char* kGiven = R"sql(
WITH asked AS (
  SELECT $1::text[] AS projections, $2::double precision * interval '1 ms' AS older,
         $3::text[] AS waiting, $4::text AS postgres, $5::text AS log
), ours AS (
  SELECT g.projection, g.generation, g.projection || '_g' || g.generation AS schema, g.applied,
         g.made_at
  FROM sluice.projection g, asked a
  WHERE g.status <> 'retired' AND g.projection = ANY (a.projections)
  UNION ALL SELECT NULL, NULL, 'sluice', NULL, NULL
), heard AS (
  SELECT * FROM sluice.process WHERE seen_at > now() - interval '10 s'
), unheard AS (
  SELECT * FROM sluice.process WHERE seen_at <= now() - interval '10 s'
), found (what, evidence, since, next) AS (
)sql";

constexpr const char* kFound = R"sql()
SELECT what, evidence, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), next
FROM found)sql";

}  // namespace

void ask(PgConnection& postgres, const Scope& scope, const Question& question,
         Diagnosis& diagnosis) {
  const std::string code(question.code);
  try {
    const PgResult rows =
        postgres.run(kGiven + question.sql + kFound,
                     {array_text(scope.projections), std::to_string(scope.older.count()),
                      array_text(scope.waiting), scope.place.postgres, scope.place.log});
    for (int i = 0; i < rows.rows(); ++i) {
      Finding& found = diagnosis.findings.emplace_back();
      found.code = code;
      found.what = rows.text(i, 0);
      found.evidence = rows.text(i, 1);
      if (!rows.null(i, 2)) found.since = rows.text(i, 2);
      found.next = rows.text(i, 3);
    }
  } catch (const Misconfigured& refusal) {
    diagnosis.skipped.push_back({code, refusal.what()});
  }
}

std::string psql(std::string_view statement) {
  return "'psql ' || (SELECT postgres FROM asked) || ' -c \"' || " + std::string(statement) +
         " || '\"'";
}

std::string shell_word_sql(std::string_view text) {
  return "'''' || replace(" + std::string(text) + R"(, '''', '''\''''') || '''')";
}

}  // namespace sluice
