#include "storage/postgres/reader_views.h"

#include <algorithm>
#include <set>

#include "storage/base/errors.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/error.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/statements.h"

namespace sluice {
namespace {

std::string guard_sql(const Shown& shown) {
  if (shown.mark == 0) return "";
  // Of nothing in the row: one InitPlan, evaluated once a statement.
  return " WHERE (SELECT sluice.sees(" + sql_literal(shown.domain) + ", " +
         std::to_string(shown.mark) + "))";
}

ReaderView view_of(const CatalogueTable* view, const CatalogueTable* table) {
  ReaderView made;
  made.name = view != nullptr ? view->name : table->name;
  made.has_table = table != nullptr;
  if (view != nullptr) {
    made.options = view->options;
    for (const TableColumn& column : view->columns) {
      made.columns.push_back(
          {column.name, column.type, table != nullptr && table->find(column.name) != nullptr});
    }
  }
  if (table == nullptr) return made;
  for (const TableColumn& column : table->columns) {
    if (view != nullptr && view->find(column.name) != nullptr) continue;
    made.columns.push_back({column.name, column.type, true});
  }
  return made;
}

void add_comments(const std::string& full_name, const CatalogueTable* view,
                  const CatalogueTable& table, std::string& sql) {
  const std::string about =
      table.comment + (table.comment.empty() ? "Key: " : " Key: ") + joined(table.keys()) + ".";
  if (view == nullptr || view->comment != about) {
    sql += "COMMENT ON VIEW " + full_name + " IS " + sql_literal(about) + ";\n";
  }
  for (const TableColumn& column : table.columns) {
    const TableColumn* const there = view == nullptr ? nullptr : view->find(column.name);
    if (column.comment == (there == nullptr ? "" : there->comment)) continue;
    sql += "COMMENT ON COLUMN " + full_name + "." + quoted(column.name) + " IS " +
           sql_literal(column.comment) + ";\n";
  }
}

void add_conflicts(const CatalogueTable& view, const CatalogueTable& table, int generation,
                   std::vector<std::string>& conflicts) {
  for (const TableColumn& column : table.columns) {
    const TableColumn* const there = view.find(column.name);
    if (there == nullptr || there->type == column.type) continue;
    conflicts.push_back(view.name + "." + column.name + " is " + column.type + " in generation " +
                        std::to_string(generation) + ", " + there->type + " for readers");
  }
}

// Names of tables that any generation has.
std::set<std::string> table_names(PgConnection& connection, std::string_view domain) {
  const PgResult rows = connection.run(
      "SELECT DISTINCT c.relname FROM sluice.projection g "
      "JOIN pg_namespace n ON n.nspname = g.projection || '_g' || g.generation "
      "JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' WHERE g.projection = $1",
      {domain});
  std::set<std::string> names;
  for (int i = 0; i < rows.rows(); ++i) names.emplace(rows.text(i, 0));
  return names;
}

// In the transaction at hand, which may have failed then.
std::string first_misfit(PgConnection& connection, const std::string& reads_sql) {
  for (const std::string& statement : statements_of(reads_sql)) {
    try {
      connection.run(statement);
    } catch (const Misconfigured& failure) {
      if (has_state(failure, "42501")) throw;  // a right is missing, no column
      return made_by(statement) + ": " + said(failure);
    }
  }
  return "";
}

}  // namespace

std::string view_sql(const Shown& shown, const ReaderView& view) {
  std::vector<std::string> columns;
  for (const ReaderView::Column& column : view.columns) {
    const std::string name = quoted(column.name);
    columns.push_back(view.has_table && column.there ? name
                                                     : "NULL::" + column.type + " AS " + name);
  }
  const std::string options = view.options.empty() ? "" : " WITH (" + view.options + ")";
  const std::string source =
      view.has_table ? " FROM " + quoted(generation_schema(shown.domain, shown.generation)) + "." +
                           quoted(view.name) + guard_sql(shown)
                     : " WHERE false";
  return "CREATE OR REPLACE VIEW " + quoted(shown.domain) + "." + quoted(view.name) + options +
         " AS SELECT " + joined(columns) + source + ";\n";
}

std::string ReaderViews::sql(const Shown& shown) const {
  std::string all;
  for (const ReaderView& view : views) all += view_sql(shown, view);
  return all + comments_sql;
}

ReaderViews reader_views(PgConnection& connection, std::string_view domain, int generation) {
  const auto tables = generation_tables(connection, domain, generation);
  const auto views = domain_views(connection, domain);
  const auto names = table_names(connection, domain);
  ReaderViews made;
  std::string usual;  // options of a view whose table is new
  for (const CatalogueTable& view : views) {
    // Others are those of reads.sql, and people's.
    if (!names.contains(view.name)) continue;
    const CatalogueTable* const table = find_table(tables, view.name);
    made.views.push_back(view_of(&view, table));
    usual = view.options;
    if (table == nullptr) continue;
    add_conflicts(view, *table, generation, made.conflicts);
  }
  for (const CatalogueTable& table : tables) {
    const CatalogueTable* const view = find_table(views, table.name);
    add_comments(quoted(domain) + "." + quoted(table.name), view, table, made.comments_sql);
    if (view != nullptr) continue;
    made.views.push_back(view_of(nullptr, &table));
    made.views.back().options = usual;
  }
  return made;
}

std::string readers_text(const Shown& shown, std::string_view reads_sql) {
  return std::to_string(shown.generation) + " " + std::to_string(shown.mark) + "\n" +
         std::string(reads_sql);
}

std::string misfit_of_reads(PgConnection& connection, const Shown& shown,
                            const std::string& reads_sql) {
  if (reads_sql.empty()) return "";
  begin_applying(connection, std::chrono::seconds(10));
  std::string sql = "SET LOCAL client_min_messages = error;\nALTER SCHEMA " + quoted(shown.domain) +
                    " RENAME TO " + quoted(shown.domain + "_aside") + ";\nCREATE SCHEMA " +
                    quoted(shown.domain) + ";\n";
  for (const CatalogueTable& table :
       generation_tables(connection, shown.domain, shown.generation)) {
    sql += view_sql(shown, view_of(nullptr, &table));
  }
  std::string why;
  try {
    connection.run(sql);
    why = first_misfit(connection, reads_sql);
  } catch (const Error&) {
    connection.roll_back();
    throw;
  }
  connection.roll_back();
  return why;
}

// Giving a view the owner that it has takes this lock and changes nothing.
void lock_views(PgConnection& connection, const std::string& domain) {
  connection.run(
      "DO $lock$ DECLARE one record; began timestamptz := clock_timestamp(); BEGIN "
      "FOR one IN SELECT format('ALTER VIEW %I.%I OWNER TO %I', n.nspname, c.relname, "
      "pg_get_userbyid(c.relowner)) AS command "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = " +
      sql_literal(domain) +
      " AND c.relkind = 'v' AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.relname LOOP "
      "PERFORM set_config('lock_timeout', greatest(1, 50 - floor(1000 * extract(epoch FROM "
      "clock_timestamp() - began)))::text || 'ms', true); "
      "EXECUTE one.command; END LOOP; END $lock$");
}

}  // namespace sluice
