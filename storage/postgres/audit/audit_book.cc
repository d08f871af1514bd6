#include "storage/postgres/audit/audit_book.h"

#include <algorithm>

#include "storage/postgres/copy_text.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

// Nothing is told of a generation that readers see no more: it is audited no more, and a swap has
// taken away what was told of it. A swap that is under way is awaited, and then decides.
constexpr const char* kWhileLive =
    " FROM (SELECT FROM sluice.projection WHERE projection = $1 AND generation = $2::integer "
    "AND live FOR SHARE) AS seen";
constexpr const char* kOfPartition = "projection = $1 AND generation = $2 AND partition = $3";

// jsonb takes no zero byte, and no text of Postgres anything but UTF-8.
std::string storable_json(const std::string& json) {
  std::string text = storable_text(json);
  constexpr std::string_view kZero = "\\u0000";
  for (std::size_t at = text.find(kZero); at != std::string::npos; at = text.find(kZero, at)) {
    text.replace(at, kZero.size(), "\\ufffd");
  }
  return text;
}

// Columns of faults, as parameters from the given number on: what `f` is in the statements.
std::string faults_sql(int first) {
  std::string sql = "unnest(";
  for (int i = 0; i < 7; ++i) {
    sql += (i == 0 ? "$" : ", $") + std::to_string(first + i) + "::text[]";
  }
  return sql + ") AS f(found_in, what, table_name, key, column_name, expected, found)";
}
// Whether a row `d` of sluice.audit_difference is about the place of `f`.
constexpr const char* kSamePlace =
    "d.found_in = f.found_in AND d.what = f.what AND d.table_name = f.table_name AND "
    "d.key = f.key::jsonb AND d.column_name IS NOT DISTINCT FROM nullif(f.column_name, '')";

void append_faults(std::span<const RowFault> faults, std::vector<std::string>& parameters) {
  const auto add = [&](auto text_of) {
    std::vector<std::string> column;
    for (const RowFault& fault : faults) column.push_back(std::string(text_of(fault)));
    parameters.push_back(array_text(column));
  };
  add([](const RowFault& fault) { return word(fault.side); });
  add([](const RowFault& fault) { return word(fault.what); });
  add([](const RowFault& fault) { return fault.table; });
  add([](const RowFault& fault) { return storable_json(fault.key); });
  add([](const RowFault& fault) { return fault.column; });
  add([](const RowFault& fault) { return storable_json(fault.expected); });
  add([](const RowFault& fault) { return storable_json(fault.found); });
}

}  // namespace

AuditStanding PostgresAuditBook::standing(Partition partition) {
  const PgResult found = session_.ready()->run(
      std::string("SELECT CASE WHEN finished_at IS NULL THEN 0 ELSE round END, proved_to, rows, "
                  "large_keys, differences, walks, walked FROM sluice.audit WHERE ") +
          kOfPartition,
      {projection_, generation_, std::to_string(partition.value)});
  AuditStanding standing;
  if (found.rows() == 0) return standing;
  standing.round = found.number(0, 0);
  if (!found.null(0, 1)) standing.proved_to = Offset{found.number(0, 1)};
  standing.rows = found.number(0, 2);
  standing.large = found.number(0, 3);
  standing.differences = found.number(0, 4);
  standing.walks = found.number(0, 5);
  standing.walked = std::string(found.text(0, 6));
  return standing;
}

// What is told of a round stays until the next one is finished; of the first it is told that it has
// begun.
void PostgresAuditBook::note(Partition partition, const AuditStanding& standing, Note note) {
  const std::string begins = note == Note::begins ? "now()" : "a.walk_began_at";
  const std::string finished = note == Note::finishes ? "true" : "false";
  session_.ready()->run(
      "INSERT INTO sluice.audit AS a (projection, generation, partition, round, started_at, "
      "finished_at, proved_to, rows, large_keys, differences, walks, walked, walk_began_at) "
      "(SELECT $1, $2::integer, $3::integer, $4::bigint, now(), CASE WHEN " +
          finished +
          " THEN now() END, nullif($5::bigint, -1), $6::bigint, $7::bigint, $8::bigint, "
          "$9::bigint, $10, now()" +
          kWhileLive +
          ") ON CONFLICT (projection, generation, partition) DO UPDATE SET "
          "round = CASE WHEN " +
          finished +
          " OR a.finished_at IS NULL THEN excluded.round ELSE a.round END, "
          "started_at = CASE WHEN " +
          finished + " THEN a.walk_began_at WHEN a.finished_at IS NULL THEN " + begins +
          " ELSE a.started_at END, "
          "finished_at = CASE WHEN " +
          finished +
          " THEN now() ELSE a.finished_at END, proved_to = excluded.proved_to, "
          "rows = excluded.rows, large_keys = excluded.large_keys, "
          "differences = excluded.differences, walks = excluded.walks, "
          "walked = excluded.walked, walk_began_at = " +
          begins + ", seen_at = now()",
      std::vector<std::string>{
          projection_, generation_, std::to_string(partition.value),
          std::to_string(std::max(standing.round, standing.walks)),
          standing.proved_to ? std::to_string(standing.proved_to->value) : std::string("-1"),
          std::to_string(standing.rows), std::to_string(standing.large),
          std::to_string(standing.differences), std::to_string(standing.walks), standing.walked});
}

void PostgresAuditBook::retain(Partition partition, const std::string& key,
                               std::span<const RowFault> faults) {
  std::vector<std::string> parameters{projection_, generation_, std::to_string(partition.value),
                                      storable_text(key)};
  std::string sql = std::string("DELETE FROM sluice.audit_difference AS d WHERE ") + kOfPartition +
                    " AND partition_key = $4";
  if (!faults.empty()) {
    append_faults(faults, parameters);
    sql += " AND NOT EXISTS (SELECT FROM " + faults_sql(5) + " WHERE " + kSamePlace + ")";
  }
  session_.ready()->run(sql, parameters);
}

void PostgresAuditBook::add(Partition partition, std::span<const RowFault> faults) {
  if (faults.empty()) return;
  std::vector<std::string> parameters{projection_, generation_, std::to_string(partition.value),
                                      storable_text(faults.front().owner)};
  append_faults(faults, parameters);
  const std::string of_key = std::string(kOfPartition) + " AND partition_key = $4";
  session_.ready()->run(
      "UPDATE sluice.audit_difference AS d SET expected = f.expected::jsonb, "
      "found = f.found::jsonb FROM " +
          faults_sql(5) + " WHERE " + of_key + " AND " + kSamePlace,
      parameters);
  session_.ready()->run(
      "INSERT INTO sluice.audit_difference (projection, generation, partition, partition_key, "
      "found_in, what, table_name, key, column_name, expected, found) "
      "SELECT $1, $2::integer, $3::integer, $4, f.found_in, f.what, f.table_name, f.key::jsonb, "
      "nullif(f.column_name, ''), f.expected::jsonb, f.found::jsonb" +
          std::string(kWhileLive) + ", " + faults_sql(5) +
          " WHERE NOT EXISTS (SELECT FROM sluice.audit_difference AS d WHERE " + of_key + " AND " +
          kSamePlace + ") LIMIT greatest(0, " + std::to_string(kDifferencesKept) +
          " - (SELECT count(*) FROM sluice.audit_difference WHERE " + kOfPartition + "))",
      parameters);
}

std::vector<std::pair<std::string, std::int64_t>> PostgresAuditBook::differing(
    Partition partition) {
  const PgResult found = session_.ready()->run(
      std::string("SELECT partition_key, count(*) FROM sluice.audit_difference WHERE ") +
          kOfPartition + " GROUP BY 1",
      {projection_, generation_, std::to_string(partition.value)});
  std::vector<std::pair<std::string, std::int64_t>> keys;
  keys.reserve(static_cast<std::size_t>(found.rows()));
  for (int i = 0; i < found.rows(); ++i) {
    keys.emplace_back(std::string(found.text(i, 0)), found.number(i, 1));
  }
  return keys;
}

}  // namespace sluice
