#include "storage/postgres/swap/leftover_views.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "storage/base/errors.h"
#include "storage/postgres/generation_tables.h"
#include "storage/postgres/reader_views.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kLockWait{5};
constexpr std::chrono::milliseconds kBetweenTries{100};

// What goes with the views $2 of schema $1 when they are dropped: "view" or "function", identity.
// From a rule or a type the way leads to its view.
constexpr const char* kGoesAlong =
    "WITH RECURSIVE gone(classid, objid) AS ("
    "SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1 AND c.relkind = 'v' AND c.relname = ANY ($2::text[]) "
    "UNION SELECT next.classid, next.objid FROM gone g CROSS JOIN LATERAL ("
    "SELECT d.classid, d.objid FROM pg_depend d WHERE d.refclassid = g.classid "
    "AND d.refobjid = g.objid "
    "UNION ALL SELECT d.refclassid, d.refobjid FROM pg_depend d WHERE d.classid = g.classid "
    "AND d.objid = g.objid AND d.deptype = 'i') AS next) ";

struct Dependent {
  std::string type;
  std::string identity;
};

std::vector<Dependent> goes_along(PgConnection& connection, const std::string& domain,
                                  const std::vector<std::string>& views) {
  const PgResult rows = connection.run(
      std::string(kGoesAlong) +
          "SELECT DISTINCT i.type, i.identity FROM gone g, "
          "LATERAL pg_identify_object(g.classid, g.objid, 0) AS i "
          "WHERE i.type NOT IN ('rule', 'type') AND i.schema IS DISTINCT FROM 'pg_toast' "
          "ORDER BY 1, 2",
      {domain, array_text(views)});
  std::vector<Dependent> all;
  all.reserve(static_cast<std::size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    all.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1))});
  }
  return all;
}

// What others than the owner may do with what goes along.
std::string grants_sql(PgConnection& connection, const std::string& domain,
                       const std::vector<std::string>& views) {
  const PgResult rows = connection.run(
      std::string(kGoesAlong) +
          ", owned(kind, name, acl, owner) AS ("
          "SELECT 'TABLE', c.oid::regclass::text, c.relacl, c.relowner FROM pg_class c "
          "JOIN gone ON objid = c.oid AND classid = 'pg_class'::regclass WHERE c.relkind = 'v' "
          "UNION SELECT 'FUNCTION', p.oid::regprocedure::text, p.proacl, p.proowner FROM pg_proc p "
          "JOIN gone ON objid = p.oid AND classid = 'pg_proc'::regclass) "
          "SELECT format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name) FROM owned "
          "WHERE kind = 'FUNCTION' AND acl IS NOT NULL "
          "UNION ALL SELECT format('GRANT %s ON %s %s TO %s', a.privilege_type, kind, name, "
          "CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
          "FROM owned, aclexplode(acl) AS a WHERE a.grantee <> owner",
      {domain, array_text(views)});
  std::string sql;
  for (int i = 0; i < rows.rows(); ++i) sql += std::string(rows.text(i, 0)) + ";\n";
  return sql;
}

std::string comments_of(const std::string& domain, const CatalogueTable& view,
                        const ReaderView& made) {
  const std::string full = quoted(domain) + "." + quoted(view.name);
  std::string sql;
  if (!view.comment.empty()) {
    sql += "COMMENT ON VIEW " + full + " IS " + sql_literal(view.comment) + ";\n";
  }
  for (const ReaderView::Column& column : made.columns) {
    const TableColumn* const was = view.find(column.name);
    if (was == nullptr || was->comment.empty()) continue;
    sql += "COMMENT ON COLUMN " + full + "." + quoted(column.name) + " IS " +
           sql_literal(was->comment) + ";\n";
  }
  return sql;
}

// The tables of all generations that are not retired, the live one's first.
struct Kept {
  Shown live;
  std::string reads_sql;
  std::vector<CatalogueTable> tables;

  [[nodiscard]] bool has(const std::string& table) const {
    return find_table(tables, table) != nullptr;
  }
  [[nodiscard]] bool has(const std::string& table, const std::string& column) const {
    return std::ranges::any_of(tables, [&](const CatalogueTable& one) {
      return one.name == table && one.find(column) != nullptr;
    });
  }
};

std::optional<Kept> kept_of(PgConnection& connection, const std::string& domain) {
  const PgResult rows = connection.run(
      "SELECT generation, live, mark, coalesce(reads_sql, '') FROM sluice.projection "
      "WHERE projection = $1 AND status <> 'retired' ORDER BY live DESC, generation",
      {domain});
  if (rows.rows() == 0 || rows.text(0, 1) != "t") return std::nullopt;
  Kept kept{{domain, static_cast<int>(rows.number(0, 0)), rows.number(0, 2)},
            std::string(rows.text(0, 3)),
            {}};
  for (int i = 0; i < rows.rows(); ++i) {
    const auto tables = generation_tables(connection, domain, static_cast<int>(rows.number(i, 0)));
    kept.tables.insert(kept.tables.end(), tables.begin(), tables.end());
  }
  return kept;
}

// Each try holds up new readers for moments only.
void lock_in_turns(PgConnection& connection, const std::string& domain) {
  const auto until = std::chrono::steady_clock::now() + kLockWait;
  connection.run("SAVEPOINT unlocked");
  for (;;) {
    try {
      return lock_views(connection, domain);
    } catch (const Retryable&) {
      if (std::chrono::steady_clock::now() >= until) throw;
    }
    connection.run("ROLLBACK TO SAVEPOINT unlocked");
    std::this_thread::sleep_for(kBetweenTries);
  }
}

// Whether it was made again by what is ours.
bool is_there(PgConnection& connection, const Dependent& one) {
  const char* const look = one.type == "function" ? "SELECT to_regprocedure($1) IS NOT NULL"
                                                  : "SELECT to_regclass($1) IS NOT NULL";
  return connection.run(look, {one.identity}).text(0, 0) == "t";
}

GenerationRefusal needed(const Dependent& one) {
  return {"needed", one.type + " " + one.identity +
                        " needs a view that is to lose columns which no generation has any more: "
                        "drop it, and make it again afterwards"};
}

// Views that are to lose something.
struct Narrowed {
  std::vector<std::string> remade;
  std::vector<std::string> vanished;  // no generation has such a table
  std::string sql;                    // of those that are made again
};

Narrowed narrowed(PgConnection& connection, const Kept& kept,
                  const std::vector<std::string>& gone) {
  Narrowed made;
  const std::string& domain = kept.live.domain;
  const auto live = generation_tables(connection, domain, kept.live.generation);
  for (const CatalogueTable& view : domain_views(connection, domain)) {
    // Others are those of reads.sql, and people's.
    if (!kept.has(view.name) && std::ranges::count(gone, view.name) == 0) continue;
    const CatalogueTable* const table = find_table(live, view.name);
    ReaderView narrow{view.name, view.options, table != nullptr, {}};
    for (const TableColumn& column : view.columns) {
      if (!kept.has(view.name, column.name)) continue;
      const bool there = table != nullptr && table->find(column.name) != nullptr;
      narrow.columns.push_back({column.name, column.type, there});
    }
    if (narrow.columns.size() == view.columns.size()) continue;
    (narrow.columns.empty() ? made.vanished : made.remade).push_back(view.name);
    if (narrow.columns.empty()) continue;
    made.sql += view_sql(kept.live, narrow) + comments_of(domain, view, narrow);
  }
  return made;
}

}  // namespace

std::optional<GenerationRefusal> take_out_leftovers(PgConnection& connection,
                                                    const std::string& domain,
                                                    const std::vector<std::string>& gone) {
  const auto kept = kept_of(connection, domain);
  if (!kept) return std::nullopt;
  const Narrowed views = narrowed(connection, *kept, gone);
  std::vector<std::string> dropped = views.remade;
  dropped.insert(dropped.end(), views.vanished.begin(), views.vanished.end());
  if (dropped.empty()) return std::nullopt;

  const auto before = goes_along(connection, domain, dropped);
  for (const Dependent& one : before) {
    if (one.type != "view" && one.type != "function") return needed(one);
  }
  const std::string grants = grants_sql(connection, domain, views.remade);
  lock_in_turns(connection, domain);
  std::vector<std::string> full;
  full.reserve(dropped.size());
  for (const std::string& name : dropped) full.push_back(quoted(domain) + "." + quoted(name));
  connection.run("DROP VIEW " + joined(full) + " CASCADE;\n" + views.sql + kept->reads_sql);

  std::set<std::string> not_missed;
  for (const std::string& name : views.vanished) not_missed.insert(domain + "." + name);
  for (const Dependent& one : before) {
    if (!not_missed.contains(one.identity) && !is_there(connection, one)) return needed(one);
  }
  if (!grants.empty()) connection.run(grants);
  return std::nullopt;
}

}  // namespace sluice
