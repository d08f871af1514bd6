#include "tools/sluice/generations/listing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <thread>
#include <utility>

#include "storage/base/json_writer.h"
#include "storage/postgres/sql_text.h"
#include "tools/sluice/database.h"
#include "tools/sluice/generations/estimate.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{1000};
// Since a claim: before, an average says little.
constexpr double kEarly = 3;

// A partition of a generation is owned as in sluice.freshness. What is still folded in bulk
// (`bulk`) is told from its owners' claims on.
const std::string kLook = R"sql(
WITH seen AS (
  SELECT g.projection, g.generation, n.partition, p.position, p.loaded, p.updated_at,
         CASE WHEN p.loaded THEN p.position ELSE p.folded END AS reached,
         p.position IS NOT NULL AND NOT coalesce(p.loaded, true) AS bulk,
         nullif(greatest(p.position, p.folded, p.log_end, h.log_end), 0) AS log_end,
         h.claimed_at, h.claimed_from, h.owner,
         coalesce(NOT h.released
                  AND (h.seen_at BETWEEN now() - interval '5 s' AND now() + interval '5 s'
                       OR p.updated_at BETWEEN now() - interval '5 s' AND now() + interval '5 s'),
                  false) AS owned
  FROM sluice.projection g
  CROSS JOIN LATERAL generate_series(0, g.partitions - 1) AS n(partition)
  LEFT JOIN sluice.position p ON p.projection = g.projection AND p.generation = g.generation
       AND p.partition = n.partition
  LEFT JOIN sluice.heartbeat h ON h.projection = g.projection AND h.generation = g.generation
       AND h.partition = n.partition
  WHERE g.status <> 'retired'
), ends AS (
  SELECT projection, partition, max(log_end) AS log_end, bool_or(owned) AS owned
  FROM seen GROUP BY projection, partition
), sums AS (
  SELECT s.projection, s.generation, sum(coalesce(s.reached, 0))::bigint AS reached,
         CASE WHEN bool_and(e.log_end IS NOT NULL OR e.owned)
              THEN sum(coalesce(e.log_end, 0))::bigint END AS log_end,
         bool_and(e.owned) AS told, bool_or(s.owned) AS owned,
         sum(s.reached - s.claimed_from) FILTER (WHERE s.bulk AND s.owned) AS folded,
         extract(epoch FROM max(s.updated_at) FILTER (WHERE s.bulk AND s.owned)
                 - min(s.claimed_at) FILTER (WHERE s.bulk AND s.owned)) AS seconds,
         count(*) FILTER (WHERE NOT coalesce(s.loaded, false))::double precision / count(*)
           AS unloaded,
         -- A partition is loaded 10,000 records before the end: what is left then is followed fast.
         coalesce(sum(greatest(e.log_end - coalesce(s.reached, 0) - 10000, 0))
                  FILTER (WHERE NOT coalesce(s.loaded, false)), 0)::double precision AS in_bulk
  FROM seen s JOIN ends e USING (projection, partition) GROUP BY s.projection, s.generation
), owners AS (
  SELECT projection, generation, string_agg(host || ' ' || pid || ' ' || partitions, E'\n'
                                            ORDER BY host, pid) AS owners
  FROM (SELECT projection, generation, substring(owner FROM '^([^:]*):[0-9]+:') AS host,
               substring(owner FROM '^[^:]*:([0-9]+):')::bigint AS pid, count(*) AS partitions
        FROM seen WHERE owned GROUP BY 1, 2, 3, 4) AS each
  WHERE host IS NOT NULL GROUP BY projection, generation
), paces AS (
  -- As processes tell it themselves: of the last half minute.
  SELECT told->>'projection' AS projection, (told->>'generation')::integer AS generation,
         sum((told->>'events_a_second')::double precision) AS events_a_second
  FROM sluice.process p CROSS JOIN LATERAL jsonb_array_elements(p.vitals->'paces') AS told
  WHERE p.seen_at > now() - interval '10 s' GROUP BY 1, 2
), sizes AS (
  SELECT n.nspname, sum(pg_total_relation_size(c.oid))::bigint AS bytes,
         sum(greatest(c.reltuples, 0))::double precision AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname ~ '_g[0-9]+$' GROUP BY n.nspname
)
SELECT g.projection, g.generation, g.version, g.status, g.phase, g.live, s.reached, s.log_end,
       CASE WHEN s.told THEN s.log_end - s.reached END, s.owned, s.folded, s.seconds, z.bytes,
       g.share, o.owners, to_char(g.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       to_char(g.promoted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), g.reason,
       extract(epoch FROM clock_timestamp()), g.promotes_itself, g.differences,
       s.unloaded * y.rows, s.in_bulk, c.events_a_second
FROM sluice.projection g
LEFT JOIN sums s USING (projection, generation)
LEFT JOIN owners o USING (projection, generation)
LEFT JOIN paces c USING (projection, generation)
LEFT JOIN sizes z ON z.nspname = g.projection || '_g' || g.generation
LEFT JOIN sluice.projection l ON l.projection = g.projection AND l.live
LEFT JOIN sizes y ON y.nspname = l.projection || '_g' || l.generation
WHERE g.projection = ANY ($1::text[]) OR $1::text[] = '{}'
ORDER BY g.projection, g.generation
)sql";

struct Looked {
  ListedGeneration listed;
  bool owned = false;
  double at = 0;  // seconds, by the database's clock
  // Rows that are still to be copied, if it has about as many as the live one.
  double rows_to_load = 0;
  double bulk_records = 0;              // that are to be folded before they are
  std::optional<double> told_a_second;  // by who folds it; nullopt: it is too early
};

std::optional<std::int64_t> number(const PgResult& rows, int i, int column) {
  if (rows.null(i, column)) return std::nullopt;
  return rows.number(i, column);
}

std::optional<double> real(const PgResult& rows, int i, int column) {
  if (rows.null(i, column)) return std::nullopt;
  return std::stod(std::string(rows.text(i, column)));
}

std::optional<std::string> word(const PgResult& rows, int i, int column) {
  if (rows.null(i, column)) return std::nullopt;
  return std::string(rows.text(i, column));
}

// Lines of "HOST PID PARTITIONS".
std::vector<ListedGeneration::Owner> owners_of(std::string_view lines) {
  std::vector<ListedGeneration::Owner> owners;
  while (!lines.empty()) {
    const std::string line(lines.substr(0, lines.find('\n')));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const auto last = line.rfind(' ');
    const auto first = line.rfind(' ', last - 1);
    owners.push_back({line.substr(0, first), std::stoll(line.substr(first + 1)),
                      std::stoll(line.substr(last + 1))});
  }
  return owners;
}

bool is_bulk(const ListedGeneration& listed) {
  return listed.phase == "folding" || listed.phase == "loading";
}

Looked looked_at(const PgResult& rows, int i) {
  Looked look;
  ListedGeneration& listed = look.listed;
  listed.projection = rows.text(i, 0);
  listed.number = rows.number(i, 1);
  listed.version = rows.number(i, 2);
  listed.status = rows.text(i, 3);
  listed.phase = rows.text(i, 4);
  listed.live = rows.text(i, 5) == "t";
  listed.position_sum = number(rows, i, 6);
  listed.end_sum = number(rows, i, 7);
  listed.lag = number(rows, i, 8);
  look.owned = !rows.null(i, 9) && rows.text(i, 9) == "t";
  const auto folded = real(rows, i, 10);
  const auto seconds = real(rows, i, 11);
  if (folded && seconds && *seconds >= kEarly) listed.events_a_second = *folded / *seconds;
  listed.bytes = number(rows, i, 12);
  listed.share = real(rows, i, 13);
  if (!rows.null(i, 14)) listed.owners = owners_of(rows.text(i, 14));
  listed.made_at = word(rows, i, 15);
  listed.promoted_at = word(rows, i, 16);
  listed.reason = word(rows, i, 17);
  look.at = real(rows, i, 18).value_or(0);
  listed.promotes_itself = rows.text(i, 19) == "t";
  listed.differences = word(rows, i, 20);
  look.rows_to_load = real(rows, i, 21).value_or(0);
  look.bulk_records = real(rows, i, 22).value_or(0);
  look.told_a_second = real(rows, i, 23);
  // An average says little of now where the share was another, or others took it over.
  if (is_bulk(listed) && look.told_a_second) listed.events_a_second = look.told_a_second;
  return look;
}

std::vector<Looked> look(PgConnection& postgres, const std::vector<std::string>& projections) {
  const PgResult rows = postgres.run(kLook, {array_text(projections)});
  std::vector<Looked> all;
  for (int i = 0; i < rows.rows(); ++i) all.push_back(looked_at(rows, i));
  return all;
}

void estimate(Looked& looked, double live_speed) {
  ListedGeneration& listed = looked.listed;
  const bool bulk = is_bulk(listed);
  if (!listed.lag || (!bulk && listed.phase != "following")) return;
  listed.eta_seconds =
      eta_seconds({.bulk = bulk,
                   .owned = looked.owned,
                   .records_left = bulk ? looked.bulk_records : static_cast<double>(*listed.lag),
                   .events_a_second = listed.events_a_second.value_or(0),
                   .live_a_second = live_speed,
                   .rows_to_load = looked.rows_to_load,
                   .share = listed.share.value_or(1)});
}

std::string shown(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "";
}

}  // namespace

std::vector<ListedGeneration> list_generations(PgConnection& postgres,
                                               const std::vector<std::string>& projections) {
  const std::vector<Looked> first = look(postgres, projections);
  std::vector<Looked> now = first;
  if (std::ranges::any_of(first, &Looked::owned)) {
    std::this_thread::sleep_for(kBetweenLooks);
    now = look(postgres, projections);
  }
  std::map<std::pair<std::string, std::int64_t>, const Looked*> before;
  for (const Looked& each : first) before[{each.listed.projection, each.listed.number}] = &each;
  std::map<std::string, double> live_speed;
  for (Looked& each : now) {
    ListedGeneration& listed = each.listed;
    const auto then = before.find({listed.projection, listed.number});
    const double seconds = then == before.end() ? 0 : each.at - then->second->at;
    if (each.owned && listed.phase == "following" && seconds > 0) {
      const std::int64_t came = *listed.position_sum - *then->second->listed.position_sum;
      listed.events_a_second = static_cast<double>(std::max<std::int64_t>(came, 0)) / seconds;
    }
    // Of one second where there is no more: what comes then may be a burst.
    if (listed.live) {
      live_speed[listed.projection] =
          each.told_a_second.value_or(listed.events_a_second.value_or(0));
    }
  }
  std::vector<ListedGeneration> all;
  for (Looked& each : now) {
    estimate(each, live_speed[each.listed.projection]);
    all.push_back(std::move(each.listed));
  }
  return all;
}

std::string ListedGeneration::json() const {
  JsonWriter json;
  const auto whole = [&](std::string_view name, const std::optional<std::int64_t>& value) {
    value ? json.field(name, *value) : json.name(name).null();
  };
  const auto decimal = [&](std::string_view name, const std::optional<double>& value) {
    value ? json.name(name).real(*value) : json.name(name).null();
  };
  const auto text = [&](std::string_view name, const std::optional<std::string>& value) {
    value ? json.field(name, *value) : json.name(name).null();
  };
  json.begin_object()
      .field("projection", projection)
      .field("generation", number)
      .field("version", version)
      .field("status", status)
      .field("phase", phase)
      .field("live", live);
  whole("position_sum", position_sum);
  whole("end_sum", end_sum);
  whole("lag", lag);
  decimal("events_a_second", events_a_second);
  whole("eta_seconds", eta_seconds);
  whole("bytes", bytes);
  decimal("share", share);
  json.name("owners").begin_array();
  for (const Owner& owner : owners) {
    json.begin_object()
        .field("host", owner.host)
        .field("pid", owner.pid)
        .field("partitions", owner.partitions)
        .end_object();
  }
  json.end_array();
  text("made_at", made_at);
  text("promoted_at", promoted_at);
  text("reason", reason);
  json.name("promotes_itself").flag(promotes_itself);
  differences ? json.name("differences").json(*differences) : json.name("differences").null();
  return json.end_object().take();
}

std::string table_of(const std::vector<ListedGeneration>& generations) {
  Answer answer;
  answer.columns = {{"projection"},     {"generation", true},
                    {"version", true},  {"status"},
                    {"phase"},          {"position", true},
                    {"end", true},      {"lag", true},
                    {"events/s", true}, {"eta", true},
                    {"bytes", true},    {"made_at"},
                    {"owners"},         {"reason"}};
  for (const ListedGeneration& each : generations) {
    std::string owners;
    for (const auto& owner : each.owners) {
      owners += (owners.empty() ? "" : ", ") + owner.host + ":" + std::to_string(owner.pid);
    }
    answer.rows.push_back(
        {each.projection, std::to_string(each.number), std::to_string(each.version), each.status,
         each.phase, shown(each.position_sum), shown(each.end_sum), shown(each.lag),
         each.events_a_second ? std::to_string(std::llround(*each.events_a_second)) : "",
         each.eta_seconds ? std::to_string(*each.eta_seconds) + "s" : "", shown(each.bytes),
         each.made_at.value_or(""), owners, each.reason.value_or("")});
  }
  return answer.table();
}

}  // namespace sluice
