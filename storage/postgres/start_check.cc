#include "storage/postgres/start_check.h"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/error.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kStatementTimeout{2000};
constexpr std::chrono::milliseconds kToAnswer{500};
// Sessions of a process that was killed are gone soon.
constexpr std::chrono::milliseconds kForOthersToEnd{2000};

void require_writable(PgConnection& connection) {
  const PgResult found = connection.run(
      "SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), current_user, "
      "current_database()");
  if (found.text(0, 0) == "t") {
    throw Misconfigured(
        "this Postgres is a standby, which takes no writes: give --postgres the primary; readers "
        "may use this one");
  }
  if (found.text(0, 1) == "on") {
    throw Misconfigured(
        "sessions of user " + std::string(found.text(0, 2)) + " in database " +
        std::string(found.text(0, 3)) +
        " are read-only: reset default_transaction_read_only of the server, the "
        "database or the user; a role that is to read only is not for this: `sluice "
        "up` prints the URL of one that writes as `postgres`");
  }
}

void require_utf8(PgConnection& connection) {
  const PgResult found =
      connection.run("SELECT current_setting('server_encoding'), current_database()");
  if (found.text(0, 0) == "UTF8") return;
  throw Misconfigured("the database " + std::string(found.text(0, 1)) + " has the encoding " +
                      std::string(found.text(0, 0)) +
                      ", which cannot hold every text: make another with CREATE DATABASE ... "
                      "ENCODING 'UTF8' TEMPLATE template0 and name it in the URL");
}

std::string backend(PgConnection& connection) {
  return std::string(connection.run("SELECT pg_backend_pid()").text(0, 0));
}

std::string begun_beside(PgConnection& connection) {
  try {
    connection.run("BEGIN");
    return backend(connection);
  } catch (const Retryable& failure) {
    throw Misconfigured(
        "a second session gets no answer while the first is in a transaction (" +
        std::string(failure.what()) +
        "): a pooler with too few servers? Give --postgres Postgres itself, or a larger pool");
  }
}

// A pooler in transaction mode gives a session's next transaction to any of its servers. One that
// is alone would get the same each time: so two take turns.
void require_own_session(PgConnection& one, const std::string& url) {
  PgConnection two(url, kStatementTimeout, kToAnswer);
  for (int turn = 0; turn < 2; ++turn) {
    one.run("BEGIN");
    const std::string first = backend(one);
    const std::string second = begun_beside(two);
    two.run("COMMIT");
    one.run("COMMIT");
    if (backend(two) == second && backend(one) == first) continue;
    throw Misconfigured(
        "a pooler gives this session's transactions to different sessions of Postgres "
        "(transaction mode): give --postgres Postgres itself, or a pool in session mode");
  }
}

// Free for this user in this database, those that we hold included.
int free_sessions(PgConnection& connection) {
  const PgResult found = connection.run(
      "SELECT least("
      "  current_setting('max_connections')::int"
      "  - CASE WHEN r.rolsuper THEN 0"
      "         ELSE current_setting('superuser_reserved_connections')::int END"
      "  - (SELECT sum(numbackends)::int FROM pg_stat_database),"
      "  CASE WHEN d.datconnlimit < 0 OR r.rolsuper THEN 100000"
      "       ELSE d.datconnlimit - (SELECT numbackends FROM pg_stat_database s"
      "                              WHERE s.datid = d.oid) END,"
      "  CASE WHEN r.rolconnlimit < 0 OR r.rolsuper THEN 100000"
      "       ELSE r.rolconnlimit - (SELECT count(*) FROM pg_stat_activity a"
      "                              WHERE a.usesysid = r.oid) END) "
      "FROM pg_roles r, pg_database d WHERE r.rolname = session_user "
      "AND d.datname = current_database()");
  constexpr int kOurs = 1;
  return static_cast<int>(found.number(0, 0)) + kOurs;
}

void require_sessions(PgConnection& connection, int needed) {
  const auto deadline = std::chrono::steady_clock::now() + kForOthersToEnd;
  for (;;) {
    const int free = free_sessions(connection);
    if (free >= needed) return;
    if (std::chrono::steady_clock::now() > deadline) {
      throw Misconfigured(
          "Postgres has " + std::to_string(std::max(free, 0)) +
          " connections left for us, and this process needs " + std::to_string(needed) +
          " (a worker of each domain has one): raise max_connections or the limit of the user or "
          "database, or start with fewer --workers");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// A pooler lets fewer through than the server has.
void require_sessions_at_once(const std::string& url, int needed) {
  std::vector<std::unique_ptr<PgConnection>> all;
  try {
    while (static_cast<int>(all.size()) + 1 < needed) {
      all.push_back(std::make_unique<PgConnection>(url, kStatementTimeout, kToAnswer));
      all.back()->run("SELECT 1");
    }
  } catch (const Retryable& failure) {
    throw Misconfigured("this process needs " + std::to_string(needed) +
                        " sessions of Postgres at a time, and got " + std::to_string(all.size()) +
                        " (" + failure.what() +
                        "): a pooler with too few servers? Give --postgres Postgres itself, or a "
                        "larger pool, or start with fewer --workers");
  }
}

// Of all generations of a domain: "shapes_g", as the queries below cut their names.
std::vector<std::string> schema_names(const DatabaseUse& use) {
  std::vector<std::string> names{"sluice"};
  for (const PublishedSchema& schema : use.schemas) {
    names.emplace_back(schema.domain);
    names.push_back(std::string(schema.domain) + "_g");
  }
  return names;
}

void require_may_make(PgConnection& connection, const DatabaseUse& use) {
  const std::string names = array_text(schema_names(use));
  const PgResult others = connection.run(
      "SELECT kind || ' ' || name, pg_get_userbyid(owner), current_user FROM ("
      "SELECT 'schema' AS kind, nspname::text AS name, nspname, nspowner AS owner FROM "
      "pg_namespace "
      "UNION ALL SELECT CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass::text, "
      "n.nspname, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'v')) AS ours "
      "WHERE regexp_replace(nspname, '_g[0-9]+$', '_g') = ANY ($1::text[]) "
      "AND NOT pg_has_role(owner, 'USAGE') ORDER BY kind, name LIMIT 1",
      {names});
  if (others.rows() > 0) {
    const std::string owner(others.text(0, 1));
    const std::string user(others.text(0, 2));
    throw Misconfigured(std::string(others.text(0, 0)) + " belongs to " + owner + ", not to " +
                        user + ": log in as " + owner + ", or GRANT " + owner + " TO " + user);
  }
  const PgResult may = connection.run(
      "SELECT current_user, current_database(), "
      "has_database_privilege(current_database(), 'CREATE') OR NOT EXISTS (SELECT FROM "
      "unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_namespace "
      "WHERE regexp_replace(nspname, '_g[0-9]+$', '_g') = name)), "
      "has_database_privilege(current_database(), 'TEMPORARY')",
      {names});
  for (const int right : {2, 3}) {
    if (may.text(0, right) == "t") continue;
    const char* const missing = right == 2 ? "CREATE" : "TEMPORARY";
    throw Misconfigured("user " + std::string(may.text(0, 0)) + " may not " +
                        (right == 2 ? "make schemas" : "make temporary tables") + " in database " +
                        std::string(may.text(0, 1)) + ": GRANT " + missing + " ON DATABASE " +
                        std::string(may.text(0, 1)) + " TO " + std::string(may.text(0, 0)));
  }
}

// For a role that writes into tables which another role owns.
void require_may_write(PgConnection& connection, const DatabaseUse& use) {
  std::vector<std::string> tables{"sluice.position", "sluice.rejection", "sluice.quarantine",
                                  "sluice.decision", "sluice.due"};
  for (const PublishedSchema& schema : use.schemas) {
    for (const auto* row : published_rows(*schema.tables)) {
      tables.push_back(std::string(schema.domain) + "_g." + table_name(*row));
    }
  }
  const PgResult missing = connection.run(
      // By the catalogue: a name in a schema that is closed to us cannot even be looked up.
      "SELECT n.nspname || '.' || c.relname, current_user FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace "
      "JOIN unnest($1::text[]) WITH ORDINALITY AS ours(name, place) "
      "ON regexp_replace(n.nspname, '_g[0-9]+$', '_g') || '.' || c.relname = ours.name WHERE NOT ("
      "has_schema_privilege(n.oid, 'USAGE') AND "
      "has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND "
      "has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) "
      "ORDER BY place LIMIT 1",
      {array_text(tables)});
  if (missing.rows() > 0) {
    throw Misconfigured("user " + std::string(missing.text(0, 1)) + " may not write " +
                        std::string(missing.text(0, 0)) + ": GRANT sluice_writer TO " +
                        std::string(missing.text(0, 1)));
  }
  const PgResult temporary = connection.run(
      "SELECT has_database_privilege(current_database(), 'TEMPORARY'), current_user, "
      "current_database()");
  if (temporary.text(0, 0) == "t") return;
  throw Misconfigured(
      "user " + std::string(temporary.text(0, 1)) + " may not make temporary tables in database " +
      std::string(temporary.text(0, 2)) + ": GRANT TEMPORARY ON DATABASE " +
      std::string(temporary.text(0, 2)) + " TO " + std::string(temporary.text(0, 1)));
}

}  // namespace

void check_database(const std::string& url, const DatabaseUse& use) {
  try {
    PgConnection connection(url, kStatementTimeout, kToAnswer);
    connection.connect();
    require_writable(connection);
    require_utf8(connection);
    require_sessions(connection, use.sessions);
    require_own_session(connection, url);
    require_sessions_at_once(url, use.sessions);
    if (use.makes_tables) {
      require_may_make(connection, use);
    } else {
      require_may_write(connection, use);
    }
    require_known_engine(connection);
  } catch (const Retryable& failure) {
    if (has_state(failure, "57014")) {
      throw Retryable(
          "Postgres is there and did not answer within 2 s what a start asks it: it is "
          "busy, or a transaction holds locks on its catalogue; try again (" +
          std::string(failure.what()) + ")");
    }
    if (!has_state(failure, "53300")) throw;
    throw Misconfigured(std::string(failure.what()) +
                        ": raise max_connections or the limit of the user or database");
  }
}

}  // namespace sluice
