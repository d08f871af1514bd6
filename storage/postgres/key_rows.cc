#include "storage/postgres/key_rows.h"

#include <utility>

#include "schemas/descriptors/words.h"
#include "storage/postgres/column.h"
#include "storage/postgres/copy_text.h"
#include "storage/postgres/schema.h"

namespace sluice {
namespace {

constexpr std::chrono::minutes kStatementTimeout{10};
// Between two questions little is folded; the owner of a partition has 10 s to tell what it knows.
constexpr std::chrono::seconds kIdleMost{20};
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

// The pieces of SQL about a row type.
struct RowSql {
  explicit RowSql(const google::protobuf::Descriptor& row) : columns(columns_of(row)) {
    for (const Column& column : columns) {
      const std::string name = quoted(column.field->name());
      all += (all.empty() ? "" : ", ") + name;
      if (!column.key) continue;
      keys += (keys.empty() ? "" : ", ") + name;
      key_json += (key_json.empty() ? "" : ", ") + ("'" + column.field->name() + "', ") + name;
    }
    key_json = "jsonb_build_object(" + key_json + ")";
  }
  std::vector<Column> columns;
  std::string all;
  std::string keys;
  std::string key_json;
};

// Columns in which the JSON objects a and b differ; NULL alone where one of them is not there.
constexpr const char* kDifferingColumns =
    " CROSS JOIN LATERAL (SELECT NULL::text AS name WHERE a IS NULL OR b IS NULL UNION ALL "
    "SELECT n FROM jsonb_object_keys(coalesce(a, '{}')) AS n "
    "WHERE b IS NOT NULL AND a->n IS DISTINCT FROM b->n) AS c ";
// Their values, or the whole rows.
constexpr const char* kCells =
    "c.name, coalesce(CASE WHEN c.name IS NULL THEN a ELSE a->c.name END, 'null'), "
    "coalesce(CASE WHEN c.name IS NULL THEN b ELSE b->c.name END, 'null')";

std::string expected_table(const google::protobuf::Descriptor& row) {
  return "pg_temp." + quoted("expected_" + table_name(row));
}

std::optional<std::string> name_at(const PgResult& found, int row, int column) {
  if (found.null(row, column)) return std::nullopt;
  return std::string(found.text(row, column));
}

}  // namespace

KeyRows::KeyRows(std::string url, std::string projection, int generation)
    : projection_(std::move(projection)),
      generation_(generation),
      connection_(std::move(url), kStatementTimeout),
      trace_(connection_, generation_schema(projection_, generation_)) {}

void KeyRows::begin_snapshot() {
  connection_.connect();
  connection_.run("SET idle_in_transaction_session_timeout = '" +
                  std::to_string(kIdleMost.count()) + "s'");
  connection_.run("SET TimeZone = 'UTC'");
  // Rows are joined and sorted as JSON, of any width.
  connection_.run("SET work_mem = '64MB'");
  connection_.run("SET jit = off");
  connection_.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
}

void KeyRows::end_snapshot() { connection_.roll_back(); }

std::optional<ViewPosition> KeyRows::position(Partition partition) {
  const PgResult found = connection_.run(
      "SELECT position, digest, loaded FROM sluice.position WHERE projection = $1 AND "
      "generation = $2 AND partition = $3",
      {projection_, std::to_string(generation_), std::to_string(partition.value)});
  if (found.rows() == 0) return std::nullopt;
  ViewPosition position;
  position.position = Offset{found.number(0, 0)};
  position.digest = Digest{static_cast<std::uint64_t>(found.number(0, 1))};
  position.loaded = found.text(0, 2) == "t";
  return position;
}

Time KeyRows::record_time(Partition partition) {
  const PgResult found = connection_.run(
      "SELECT coalesce(floor(extract(epoch FROM record_time) * 1000)::bigint, 0) FROM "
      "sluice.position WHERE projection = $1 AND generation = $2 AND partition = $3",
      {projection_, std::to_string(generation_), std::to_string(partition.value)});
  return Time{std::chrono::milliseconds(found.rows() == 0 ? 0 : found.number(0, 0))};
}

void KeyRows::expect(const google::protobuf::Descriptor& row,
                     const std::vector<const google::protobuf::Message*>& rows) {
  const RowSql sql(row);
  const std::string table =
      quoted(generation_schema(projection_, generation_)) + "." + quoted(table_name(row));
  connection_.run("CREATE TEMP TABLE " + quoted("expected_" + table_name(row)) +
                  " ON COMMIT DROP AS SELECT " + sql.all + " FROM " + table + " WITH NO DATA");
  const std::string copy = "COPY " + expected_table(row) + " FROM STDIN";
  std::string lines;
  std::string scratch;
  for (const google::protobuf::Message* message : rows) {
    append_line(*message, sql.columns, false, lines, scratch);
    if (lines.size() < kPieceBytes) continue;
    connection_.copy_in(copy, lines);
    lines.clear();
  }
  connection_.copy_in(copy, lines);
  connection_.run("ANALYZE " + expected_table(row));
}

std::vector<std::string> KeyRows::expected(const google::protobuf::Descriptor& row) {
  const PgResult found = connection_.run("SELECT row_to_json(e) FROM " + expected_table(row) +
                                         " AS e ORDER BY " + RowSql(row).keys);
  std::vector<std::string> rows;
  rows.reserve(static_cast<std::size_t>(found.rows()));
  for (int i = 0; i < found.rows(); ++i) rows.emplace_back(found.text(i, 0));
  return rows;
}

std::vector<KeyDifference> KeyRows::differences(const google::protobuf::Descriptor& row,
                                                const std::set<std::string>& columns,
                                                const std::string& value) {
  const RowSql sql(row);
  const std::string table =
      quoted(generation_schema(projection_, generation_)) + "." + quoted(table_name(row));
  // By key, so that the table is asked by its indexes.
  std::string keys = "SELECT " + sql.keys + " FROM " + expected_table(row);
  for (const Column& column : sql.columns) {
    if (!columns.contains(column.field->name())) continue;
    keys += " UNION SELECT " + sql.keys + " FROM " + table + " WHERE " +
            quoted(column.field->name()) + "::text = $1";
  }
  // Asks for the parameter also where no column has such a name.
  const PgResult found = connection_.run(
      "WITH k AS (" + keys + "), e AS (SELECT " + sql.keys + ", to_jsonb(r) AS a FROM (SELECT " +
          sql.all + " FROM " + expected_table(row) + ") AS r), t AS (SELECT " + sql.keys +
          ", to_jsonb(r) AS b FROM (SELECT " + sql.all + " FROM " + table + " JOIN k USING (" +
          sql.keys + ")) AS r) SELECT " + sql.key_json + ", " + kCells +
          " FROM e FULL JOIN t USING (" + sql.keys + ")" + kDifferingColumns +
          "WHERE a IS DISTINCT FROM b AND $1::text IS NOT NULL ORDER BY " + sql.keys + ", c.name",
      {storable_text(value)});
  std::vector<KeyDifference> made;
  made.reserve(static_cast<std::size_t>(found.rows()));
  for (int i = 0; i < found.rows(); ++i) {
    made.push_back({table_name(row), std::string(found.text(i, 0)), name_at(found, i, 1),
                    std::string(found.text(i, 2)), std::string(found.text(i, 3))});
  }
  return made;
}

}  // namespace sluice
