#include "storage/postgres/swap/comparison_sql.h"

#include <algorithm>

#include "storage/postgres/generation_tables.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

// Of a row of the join that differs.
constexpr const char* kAdded = "1";
constexpr const char* kMissing = "2";
constexpr const char* kChanged = "3";
constexpr const char* kUndecided = "4";

bool is_key(const ComparedTable& table, const ComparedColumn& column) {
  return std::ranges::count(table.keys, column.name) > 0;
}

// A table of no rows where a side has none.
std::string rows_of(const ComparedTable& table, const std::string& rows) {
  if (!rows.empty()) return rows;
  std::vector<std::string> columns;
  columns.reserve(table.columns.size());
  for (const ComparedColumn& column : table.columns) {
    columns.push_back("NULL::" + (column.old_type.empty() ? column.new_type : column.old_type) +
                      " AS " + quoted(column.name));
  }
  return "(SELECT " + joined(columns) + " WHERE false)";
}

// Whether the column of `o` and `n` differs. One that is of another type is compared as text.
std::string differs(const ComparedColumn& column, const std::string& o, const std::string& n) {
  const char* const as = column.old_type == column.new_type ? "" : "::text";
  return o + as + " IS DISTINCT FROM " + n + as;
}

std::string any(const std::vector<std::string>& conditions) {
  std::string all;
  for (const std::string& one : conditions) all += (all.empty() ? "(" : " OR ") + one;
  return all.empty() ? "false" : all + ")";
}

std::string column_of(const char* side, const ComparedColumn& column) {
  return std::string(side) + "." + quoted(column.name);
}

// FROM and behind it: `o` and `n` joined by the key, `u` where rows may be undecided.
std::string join_sql(const ComparedTable& table) {
  std::vector<std::string> pairs;
  std::string sql = " FROM " + rows_of(table, table.old_rows) + " o FULL JOIN " +
                    rows_of(table, table.new_rows) + " n ON ";
  for (const std::string& key : table.keys) {
    sql += (key == table.keys.front() ? "o." : " AND o.") + quoted(key) + " = n." + quoted(key);
  }
  if (table.undecided.empty()) return sql;
  const std::string first = quoted(table.keys.front());
  return sql + " LEFT JOIN (" + table.undecided + ") AS u(key) ON u.key = coalesce(o." + first +
         ", n." + first + ")::text";
}

// Whether a row of the join is no same one.
std::string other_than_same(const ComparedTable& table) {
  const std::string first = quoted(table.keys.front());
  std::vector<std::string> conditions{"o." + first + " IS NULL", "n." + first + " IS NULL"};
  for (const ComparedColumn* column : table.compared()) {
    conditions.push_back(differs(*column, column_of("o", *column), column_of("n", *column)));
  }
  return any(conditions);
}

// Of such a row.
std::string kind_sql(const ComparedTable& table) {
  const std::string first = quoted(table.keys.front());
  std::string sql = "CASE ";
  if (!table.undecided.empty()) sql += std::string("WHEN u.key IS NOT NULL THEN ") + kUndecided;
  return sql + " WHEN o." + first + " IS NULL THEN " + kAdded + " WHEN n." + first +
         " IS NULL THEN " + kMissing + " ELSE " + kChanged + " END";
}

// A value as JSON has it elsewhere: times in UTC to the millisecond, bytes in base64.
std::string json_of(const std::string& value, const std::string& type) {
  if (type.empty()) return "NULL::json";
  if (type == "timestamp with time zone") {
    return "to_json(to_char(" + value +
           " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))";
  }
  if (type == "bytea") return "to_json(translate(encode(" + value + ", 'base64'), E'\\n', ''))";
  return "to_json(" + value + ")";
}

// A row a column: name, both values, whether it is of the key, whether it differs, who has it.
std::string cells_sql(const ComparedTable& table) {
  const auto compared = table.compared();
  std::string sql;
  for (const ComparedColumn& column : table.columns) {
    const std::string o = column_of("o", column);
    const std::string n = column_of("n", column);
    const bool counts = std::ranges::count(compared, &column) > 0;
    const auto word = [](bool yes) { return std::string(yes ? "true" : "false"); };
    sql += (sql.empty() ? "(" : ", (") + sql_literal(column.name) + ", " +
           json_of(o, table.old_rows.empty() ? "" : column.old_type) + ", " +
           json_of(n, table.new_rows.empty() ? "" : column.new_type) + ", " +
           word(is_key(table, column)) + ", " + (counts ? differs(column, o, n) : "false") + ", " +
           word(!column.old_type.empty()) + ", " + word(!column.new_type.empty()) + ")";
  }
  return "LATERAL (VALUES " + sql + ") AS c(name, old, new, of_key, differs, in_old, in_new)";
}

}  // namespace

std::vector<const ComparedColumn*> ComparedTable::compared() const {
  std::vector<const ComparedColumn*> both;
  for (const ComparedColumn& column : columns) {
    const bool shared = !column.old_type.empty() && !column.new_type.empty();
    if (shared && column.compared && !is_key(*this, column)) both.push_back(&column);
  }
  return both;
}

std::string counts_sql(const ComparedTable& table) {
  std::string inner = "SELECT " + kind_sql(table) + " AS kind, n." + quoted(table.keys.front()) +
                      " IS NOT NULL AS in_new";
  std::string by_column;
  std::vector<std::string> unexpected;
  int number = 0;
  for (const ComparedColumn* column : table.compared()) {
    const std::string o = "o" + std::to_string(++number);
    const std::string n = "n" + std::to_string(number);
    inner +=
        ", " + column_of("o", *column) + " AS " + o + ", " + column_of("n", *column) + " AS " + n;
    const std::string differ = differs(*column, o, n);
    by_column +=
        std::string(", count(*) FILTER (WHERE kind = ") + kChanged + " AND " + differ + ")";
    if (!column->expected) unexpected.push_back(differ);
  }
  const auto counted = [](const std::string& condition) {
    return "count(*) FILTER (WHERE " + condition + ")";
  };
  const auto kind = [](const char* which) { return std::string("kind = ") + which; };
  std::string alarm = kind(kChanged) + " AND " + any(unexpected);
  if (!table.rows_expected) alarm += " OR " + kind(kAdded) + " OR " + kind(kMissing);
  // Only rows that differ come out of the join, and behind OFFSET 0 the kind of each is told once:
  // equal rows, of which there are most, are not looked at again.
  return "SELECT (SELECT count(*) FROM " + rows_of(table, table.new_rows) + " AS n) - " +
         counted("in_new") + ", " + counted(kind(kAdded)) + ", " + counted(kind(kMissing)) + ", " +
         counted(kind(kChanged)) + ", " + counted(kind(kUndecided)) + ", " + counted(alarm) +
         by_column + " FROM (" + inner + join_sql(table) + " WHERE " + other_than_same(table) +
         " OFFSET 0) AS joined";
}

std::string samples_sql(const ComparedTable& table, int samples) {
  std::vector<std::string> order;
  order.reserve(table.keys.size());
  for (const std::string& key : table.keys) {
    order.push_back("coalesce(o." + quoted(key) + ", n." + quoted(key) + ")");
  }
  const std::string kind = kind_sql(table);
  const auto side = [](const std::string& name, const char* absent, const char* alone) {
    return "CASE WHEN kind = " + std::string(absent) +
           " THEN 'null' ELSE (SELECT coalesce(json_object_agg(c.name, c." + name +
           ") FILTER (WHERE c.differs OR kind = " + alone + " AND c.in_" + name +
           "), '{}') FROM cells c)::text END";
  };
  const std::string first = "SELECT " + kind + " AS kind, o, n" + join_sql(table) + " WHERE " +
                            other_than_same(table) +
                            (table.undecided.empty() ? "" : " AND u.key IS NULL") + " ORDER BY " +
                            joined(order) + " LIMIT " + std::to_string(samples);
  // Cells are made of the rows that are shown only.
  return "SELECT s.key, s.old, s.new FROM (SELECT *, row_number() OVER () AS place FROM (" + first +
         ") AS f) AS d CROSS JOIN LATERAL (WITH cells AS (SELECT c.* FROM (SELECT (d.o).*) AS o, "
         "(SELECT (d.n).*) AS n, " +
         cells_sql(table) +
         ") SELECT (SELECT json_object_agg(c.name, coalesce(c.old, c.new)) FROM cells c "
         "WHERE c.of_key)::text AS key, " +
         side("old", kAdded, kMissing) + " AS old, " + side("new", kMissing, kAdded) +
         " AS new) AS s ORDER BY d.place";
}

}  // namespace sluice
