#include "storage/postgres/private_roles.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/url.h"

namespace sluice {
namespace {

// Leaves the owner's commands and flushes room, however many readers come (max_connections: 100).
constexpr const char* kMostReaders = "60";

// A superuser for the moment in which the former one is renamed: nobody can rename himself.
constexpr const char* kMigrationRole = "sluice_migration";

// A verifier instead of the password: no statement, and so no log of one, has it.
std::string with_password(PgConnection& connection, const char* role, const std::string& password) {
  return std::string(" PASSWORD '") + connection.scram_verifier(role, password) + "'";
}

void make_role(PgConnection& connection, const std::string& role, const std::string& options) {
  const bool there = connection.run("SELECT FROM pg_roles WHERE rolname = $1", {role}).rows() > 0;
  connection.run((there ? "ALTER ROLE " : "CREATE ROLE ") + quoted(role) + " " + options);
}

// Of a cluster in which the owner's role is the superuser.
void rename_superuser(int port, const RolePasswords& passwords) {
  PgConnection former(private_url(kOwnerRole, passwords.owner, port));
  make_role(former, kMigrationRole,
            "SUPERUSER LOGIN" + with_password(former, kMigrationRole, passwords.superuser));
  PgConnection between(private_url(kMigrationRole, passwords.superuser, port));
  between.run(std::string("BEGIN; ALTER ROLE ") + kOwnerRole + " RENAME TO " + kSuperuserRole);
  between.run(std::string("ALTER ROLE ") + kSuperuserRole +
              with_password(between, kSuperuserRole, passwords.superuser));
  between.run("COMMIT");
  spdlog::info("postgres superuser renamed from={} to={}", kOwnerRole, kSuperuserRole);
}

// Whether the superuser has its name and password; false: the cluster is of the former layout.
bool has_superuser(int port, const RolePasswords& passwords) {
  try {
    PgConnection(private_url(kSuperuserRole, passwords.superuser, port)).connect();
    return true;
  } catch (const Misconfigured&) {
    return false;
  }
}

// What the superuser made here (numbers below 16384 are Postgres's own) becomes the owner's.
constexpr const char* kGiveAway = R"sql(
DO $$
DECLARE
  statement text;
BEGIN
  FOR statement IN
    SELECT format('ALTER %s %s OWNER TO sluice', kind, name) FROM (
      SELECT 'pg_namespace'::regclass AS catalogue, oid, 'SCHEMA' AS kind,
             quote_ident(nspname) AS name
      FROM pg_namespace WHERE nspowner = 10 AND nspname !~ '^pg_'
      UNION ALL
      SELECT 'pg_class'::regclass, oid,
             CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                          WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'
                          ELSE 'TABLE' END, oid::regclass::text
      FROM pg_class c WHERE relowner = 10 AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                        AND d.objid = c.oid AND c.relkind = 'S' AND d.deptype IN ('a', 'i'))
      UNION ALL
      SELECT 'pg_proc'::regclass, oid, 'ROUTINE', oid::regprocedure::text
      FROM pg_proc WHERE proowner = 10
      UNION ALL
      SELECT 'pg_type'::regclass, oid, 'TYPE', oid::regtype::text
      FROM pg_type t WHERE typowner = 10 AND (typtype IN ('d', 'e', 'r')
        OR typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid
                                     AND c.relkind = 'c'))) AS made
    WHERE oid >= 16384 AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = made.catalogue AND d.objid = made.oid
                                AND d.deptype = 'e')
  LOOP
    EXECUTE statement;
  END LOOP;
END $$)sql";

// A database that is still the superuser's has not been given away, or not to its end.
void give_away_databases(PgConnection& superuser, int port, const RolePasswords& passwords) {
  const PgResult found = superuser.run(
      "SELECT datname FROM pg_database WHERE datdba = 10 AND NOT datistemplate AND datallowconn");
  for (int i = 0; i < found.rows(); ++i) {
    const std::string name(found.text(i, 0));
    std::string url = private_url(kSuperuserRole, passwords.superuser, port);
    url = url.substr(0, url.rfind('/') + 1) + percent_encoded(name);
    PgConnection(url).run(kGiveAway);
    superuser.run("ALTER DATABASE " + quoted(name) + " OWNER TO " + kOwnerRole);
  }
}

// Beyond tables: in a session that has left its read-only default, a reader could still make
// temporary tables and large objects.
constexpr const char* kReadersMakeNothing =
    "REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC;"
    "REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), "
    "pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;"
    "GRANT EXECUTE ON FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), "
    "pg_catalog.lo_from_bytea(oid, bytea) TO sluice";

}  // namespace

std::string private_url(const char* role, const std::string& password, int port) {
  return std::string("postgresql://") + role + ":" + password +
         "@127.0.0.1:" + std::to_string(port) + "/postgres";
}

void prepare_private_roles(int port, const RolePasswords& passwords) {
  if (!has_superuser(port, passwords)) rename_superuser(port, passwords);
  PgConnection superuser(private_url(kSuperuserRole, passwords.superuser, port));
  superuser.run("BEGIN");
  superuser.run(std::string("DROP ROLE IF EXISTS ") + kMigrationRole);
  for (const char* group : {"sluice_reader", "sluice_writer"}) {
    make_role(superuser, group, "NOLOGIN NOSUPERUSER");
  }
  const std::string plain = "LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS ";
  make_role(superuser, kOwnerRole,
            plain + "CREATEDB" + with_password(superuser, kOwnerRole, passwords.owner));
  make_role(superuser, kReaderRole,
            plain + "NOCREATEDB CONNECTION LIMIT " + kMostReaders +
                with_password(superuser, kReaderRole, passwords.reader));
  // The owner sees who holds a lock, and may end that session.
  superuser.run(
      "GRANT sluice_reader, sluice_writer, pg_monitor, pg_signal_backend TO sluice;"
      "GRANT sluice_reader TO sluice_read;"
      "ALTER ROLE sluice_read SET default_transaction_read_only = on");
  superuser.run(kReadersMakeNothing);
  superuser.run("COMMIT");
  give_away_databases(superuser, port, passwords);
}

bool has_checksums(int port, const RolePasswords& passwords) {
  PgConnection superuser(private_url(kSuperuserRole, passwords.superuser, port));
  return superuser.run("SHOW data_checksums").text(0, 0) == "on";
}

}  // namespace sluice
