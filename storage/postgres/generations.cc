#include "storage/postgres/generations.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/error.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/swap/leftover_views.h"
#include "storage/postgres/table_shape.h"

namespace sluice {
namespace {

constexpr double kUsualShare = 0.5;
// Until another applier is done.
constexpr std::chrono::minutes kStatementTimeout{5};

std::optional<MadeGeneration> found_building(PgConnection& connection, std::string_view domain) {
  const PgResult found = connection.run(
      "SELECT generation, version, status FROM sluice.projection WHERE projection = $1 "
      "AND status IN ('building', 'ready')",
      {domain});
  if (found.rows() == 0) return std::nullopt;
  return MadeGeneration{static_cast<int>(found.number(0, 0)), static_cast<int>(found.number(0, 1)),
                        std::string(found.text(0, 2)), false};
}

// As the live one, but for what is asked for.
MadeGeneration insert_building(PgConnection& connection, const PublishedSchema& schema,
                               const GenerationOptions& options) {
  const PgResult made = connection.run(
      "INSERT INTO sluice.projection (projection, generation, unique_id, version, partitions, "
      "horizon_ms, quarantine_ms, key_index, live, status, phase, share, made_at, reads_sql, "
      "promotes_itself) "
      "SELECT projection, (SELECT max(generation) + 1 FROM sluice.projection "
      "WHERE projection = $1), gen_random_uuid()::text, $2, partitions, "
      "coalesce(nullif($3, '')::bigint, horizon_ms), quarantine_ms, $7, false, 'building', "
      "'folding', "
      "$4::double precision, now(), $5, $6::boolean FROM sluice.projection "
      "WHERE projection = $1 AND live "
      "RETURNING generation",
      {schema.domain, std::to_string(schema.version),
       options.dedupe_horizon ? std::to_string(options.dedupe_horizon->count()) : "",
       std::to_string(options.share.value_or(kUsualShare)), schema.reads_sql,
       options.promotes_itself ? "t" : "f", schema.key_index ? "t" : "f"});
  if (made.rows() == 0) {
    throw Misconfigured(std::string(schema.domain) +
                        " has no live generation to build another beside: start `sluice up`, or "
                        "run `sluice schema apply`");
  }
  return {static_cast<int>(made.number(0, 0)), schema.version, "building", true};
}

bool is_newest(PgConnection& connection, const PublishedSchema& schema) {
  return connection
             .run("SELECT FROM sluice.projection WHERE projection = $1 AND version >= $2 LIMIT 1",
                  {schema.domain, std::to_string(schema.version)})
             .rows() == 0;
}

MadeGeneration make(PgConnection& connection, const PublishedSchema& schema,
                    const GenerationOptions& options, std::chrono::milliseconds lock_wait) {
  begin_applying(connection, lock_wait);
  apply_engine(connection, false);
  if (const auto there = found_building(connection, schema.domain)) {
    // Another program's is not this one's to pace.
    if (options.share && there->version == schema.version) {
      connection.run(
          "UPDATE sluice.projection SET share = $3::double precision WHERE projection = $1 "
          "AND generation = $2",
          {schema.domain, std::to_string(there->number), std::to_string(*options.share)});
    }
    connection.run("COMMIT");
    return *there;
  }
  // Asked again under the lock: another process may have made it, and readers been given it.
  if (options.promotes_itself && !is_newest(connection, schema)) {
    connection.run("ROLLBACK");
    return {};
  }
  MadeGeneration made = insert_building(connection, schema, options);
  connection.run(keyless_tables_sql(schema, made.number));
  // With the keys that they get later nothing more is to be applied.
  note_applied(connection, generation_schema(schema.domain, made.number),
               tables_sql(schema, made.number));
  remember_shape(connection, schema.domain, made.number, shape_of(table_rows(schema)));
  connection.run(
      "UPDATE sluice.projection SET keys_sql = $3 WHERE projection = $1 AND generation = $2",
      {schema.domain, std::to_string(made.number), keys_sql(schema, made.number)});
  connection.run("COMMIT");
  return made;
}

// Only what is a table of ours goes, and nothing that somebody built on it.
std::vector<std::string> drop_tables(PgConnection& connection, const std::string& schema) {
  const PgResult found = connection.run(
      "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1",
      {schema});
  std::vector<std::string> names;
  std::vector<std::string> tables;
  for (int i = 0; i < found.rows(); ++i) {
    names.emplace_back(found.text(i, 0));
    tables.push_back(quoted(schema) + "." + quoted(names.back()));
  }
  if (!tables.empty()) connection.run("DROP TABLE " + joined(tables));
  connection.run("DROP SCHEMA IF EXISTS " + quoted(schema));
  connection.run("DELETE FROM sluice.applied WHERE name = $1", {schema});
  return names;
}

// What somebody has built on tables of a schema, or put into it, and would go with them: "view
// public.mine". From a rule or a type the way leads to its view.
std::vector<std::string> built_on(PgConnection& connection, const std::string& schema) {
  const PgResult found = connection.run(
      "WITH RECURSIVE gone(classid, objid) AS ("
      "SELECT 'pg_namespace'::regclass::oid, oid FROM pg_namespace WHERE nspname = $1 "
      "UNION SELECT next.classid, next.objid FROM gone g CROSS JOIN LATERAL ("
      "SELECT d.classid, d.objid FROM pg_depend d WHERE d.refclassid = g.classid "
      "AND d.refobjid = g.objid "
      "UNION ALL SELECT d.refclassid, d.refobjid FROM pg_depend d WHERE d.classid = g.classid "
      "AND d.objid = g.objid AND d.deptype = 'i') AS next) "
      "SELECT DISTINCT i.type || ' ' || i.identity FROM gone g, "
      "LATERAL pg_identify_object(g.classid, g.objid, 0) AS i WHERE i.type IN ('view', "
      "'materialized view', 'foreign table', 'function', 'procedure', 'aggregate') "
      "OR i.type = 'table' AND i.schema <> $1 OR i.type = 'table constraint' "
      "AND NOT starts_with(split_part(i.identity, ' on ', 2), quote_ident($1) || '.') ORDER BY 1",
      {schema});
  std::vector<std::string> names;
  for (int i = 0; i < found.rows(); ++i) names.emplace_back(found.text(i, 0));
  return names;
}

// `what`: of it.
GenerationRefusal needed(const std::string& what, const std::string& generation,
                         std::string_view domain) {
  return {"needed", "something is built on the tables of " + generation + ": " + what +
                        ". Drop it, or let it read the views of schema " + std::string(domain) +
                        ", which show whichever generation is live; then retire this one"};
}

// In the transaction at hand. `reason`: why, where it was not a person who said so.
std::optional<GenerationRefusal> take_away(PgConnection& connection, std::string_view domain,
                                           const std::string& number, const std::string& reason,
                                           std::chrono::milliseconds lock_wait) {
  // A first claim of a partition, which refers to the row, waits for us.
  const PgResult found = connection.run(
      "SELECT status FROM sluice.projection WHERE projection = $1 AND generation = $2 FOR UPDATE",
      {domain, number});
  const std::string name = std::string(domain) + " generation " + number;
  if (found.rows() == 0) {
    throw Misconfigured("there is no " + name + ": `sluice generations " + std::string(domain) +
                        "` says which there are");
  }
  if (found.text(0, 0) == "live") {
    return GenerationRefusal{"live",
                             name + " is what readers see: promote another or roll back first"};
  }
  // One whose place was taken is retired before its tables go.
  const std::string schema = std::string(domain) + "_g" + number;
  if (found.text(0, 0) == "retired" &&
      connection.run("SELECT FROM pg_namespace WHERE nspname = $1", {schema}).rows() == 0) {
    return std::nullopt;
  }
  if (connection
          .run(
              "SELECT pg_try_advisory_xact_lock(hashtext(format('sluice keys of %s_g%s', $1::text, "
              "$2::text)))",
              {domain, number})
          .text(0, 0) != "t") {
    return GenerationRefusal{"locked",
                             "keys and indexes of " + name + " are being made: try again later"};
  }
  if (const auto names = built_on(connection, schema); !names.empty()) {
    return needed(joined(names), name, domain);
  }
  lock_positions(connection, domain, number, lock_wait);
  for (const char* table :
       {"sluice.position", "sluice.heartbeat", "sluice.rejection", "sluice.quarantine",
        "sluice.decision", "sluice.due", "sluice.audit", "sluice.audit_difference"}) {
    connection.run(
        std::string("DELETE FROM ") + table + " WHERE projection = $1 AND generation = $2",
        {domain, number});
  }
  const auto gone = drop_tables(connection, schema);
  connection.run(
      "UPDATE sluice.projection SET status = 'retired', applied = NULL, keys_sql = NULL, "
      "reason = nullif($3, '') WHERE projection = $1 AND generation = $2",
      {domain, number, reason});
  // Last, since readers wait from here on.
  return take_out_leftovers(connection, std::string(domain), gone);
}

struct Abandoned {
  std::string number;
  std::string version;
};

// Under the lock of those who make and promote generations, so that it stays so.
std::optional<Abandoned> find_abandoned(PgConnection& connection, std::string_view domain,
                                        int for_version) {
  const PgResult found = connection.run(
      "SELECT g.generation, g.version FROM sluice.projection g CROSS JOIN LATERAL ("
      "SELECT now() - $3::double precision * interval '1 s' AS at) AS since "
      "WHERE g.projection = $1 AND g.version < $2::integer AND g.promotes_itself "
      "AND g.status IN ('building', 'ready') AND coalesce(g.made_at, '-infinity') < since.at "
      "AND NOT EXISTS (SELECT FROM sluice.process q WHERE q.seen_at > since.at "
      "AND q.vitals->'rules'->>g.projection = g.version::text) "
      "AND NOT EXISTS (SELECT FROM sluice.heartbeat h WHERE h.projection = g.projection "
      "AND h.generation = g.generation AND NOT h.released AND h.seen_at > since.at)",
      {domain, std::to_string(for_version), std::to_string(kAbandoned.count())});
  if (found.rows() == 0) return std::nullopt;
  return Abandoned{std::string(found.text(0, 0)), std::string(found.text(0, 1))};
}

// Runs `work(connection, lock_wait)`, which is a transaction but for its end, and says what is in
// its way.
template <class Work>
std::optional<GenerationRefusal> taking_away(const std::string& url, std::string_view domain,
                                             Work work) {
  PgConnection connection(url, kStatementTimeout);
  try {
    return as_applier(connection, [&](auto lock_wait) {
      begin_applying(connection, lock_wait);
      apply_engine(connection, false);
      std::optional<GenerationRefusal> refused = work(connection, lock_wait);
      connection.run(refused ? "ROLLBACK" : "COMMIT");
      return refused;
    });
  } catch (const Retryable& failure) {
    if (!has_state(failure, "55P03") && !has_state(failure, "40P01")) throw;
    return GenerationRefusal{"locked", holder_of_locks(connection)};
  } catch (const Misconfigured& failure) {
    if (!has_state(failure, "2BP01")) throw;
    connection.roll_back();
    return needed(said(failure), "that generation", domain);
  }
}

}  // namespace

MadeGeneration make_generation(const std::string& url, const PublishedSchema& schema,
                               const GenerationOptions& options) {
  PgConnection connection(url, kStatementTimeout);
  try {
    return as_applier(connection,
                      [&](auto lock_wait) { return make(connection, schema, options, lock_wait); });
  } catch (const Retryable& failure) {
    if (!has_state(failure, "55P03") && !has_state(failure, "40P01")) throw;
    throw Retryable(holder_of_locks(connection));
  }
}

std::optional<GenerationRefusal> retire(const std::string& url, std::string_view domain,
                                        int generation) {
  return taking_away(url, domain, [&](PgConnection& connection, auto lock_wait) {
    return take_away(connection, domain, std::to_string(generation), "", lock_wait);
  });
}

std::optional<GenerationRefusal> give_up_abandoned(const std::string& url, std::string_view domain,
                                                   int for_version) {
  std::optional<Abandoned> given_up;
  auto refused = taking_away(
      url, domain,
      [&](PgConnection& connection, auto lock_wait) -> std::optional<GenerationRefusal> {
        given_up = find_abandoned(connection, domain, for_version);
        if (!given_up) return std::nullopt;
        const std::string reason = "given up for version " + std::to_string(for_version) +
                                   " of the rules: it was never shown, and nobody runs version " +
                                   given_up->version;
        return take_away(connection, domain, given_up->number, reason, lock_wait);
      });
  if (given_up && !refused) {
    spdlog::warn("generation given up projection={} generation={} version={} for_version={}",
                 domain, given_up->number, given_up->version, for_version);
  }
  return refused;
}

std::vector<std::int64_t> versions_that_run(PgConnection& connection, std::string_view projection) {
  const PgResult found = connection.run(
      "SELECT DISTINCT (vitals->'rules'->>$1)::bigint FROM sluice.process "
      "WHERE vitals->'rules' ? $1 AND seen_at > now() - $2::double precision * interval '1 s' "
      "ORDER BY 1",
      {projection, std::to_string(kAbandoned.count())});
  std::vector<std::int64_t> versions;
  versions.reserve(static_cast<std::size_t>(found.rows()));
  for (int i = 0; i < found.rows(); ++i) versions.push_back(found.number(i, 0));
  return versions;
}

}  // namespace sluice
