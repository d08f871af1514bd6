#include "tools/sluice/node/published.h"

#include <algorithm>

#include "schemas/descriptors/row_options.h"
#include "storage/base/errors.h"
#include "storage/postgres/postgres_builder.h"
#include "storage/postgres/postgres_sink.h"
#include "tools/sluice/node/domain_choice.h"

namespace sluice {
namespace {

const Projection* find(std::string_view name) {
  const auto all = projections();
  const auto found = std::ranges::find(all, name, &Projection::name);
  return found == all.end() ? nullptr : &*found;
}

int live_number(const std::string& url, std::string_view projection) {
  const PgResult live = PgConnection(url).run(
      "SELECT generation FROM sluice.projection WHERE projection = $1 AND live", {projection});
  if (live.rows() == 0) {
    throw Misconfigured(std::string(projection) +
                        " has no live generation in this database: run `sluice schema apply`");
  }
  return static_cast<int>(live.number(0, 0));
}

}  // namespace

std::vector<Projection> projections_of(std::span<const Domain> domains) {
  std::vector<Projection> all;
  for (const Domain& domain : domains) {
    if (const Projection* projection = find(domain.name)) all.push_back(*projection);
  }
  return all;
}

std::map<std::string, std::int64_t> rules_of(std::span<const Projection> projections) {
  std::map<std::string, std::int64_t> versions;
  for (const Projection& each : projections) versions.emplace(each.name, each.version);
  return versions;
}

std::vector<PublishedSchema> schemas_of(std::span<const Domain> domains, int partitions,
                                        std::chrono::milliseconds dedupe_horizon,
                                        std::chrono::milliseconds quarantine_retention,
                                        bool key_index) {
  std::vector<PublishedSchema> all;
  for (const Domain& domain : domains) {
    const Projection* projection = find(domain.name);
    if (projection == nullptr) continue;
    all.push_back({.domain = domain.name,
                   .tables = domain.tables,
                   .tables_source = domain.tables_source,
                   .reads_sql = domain.reads_sql,
                   .version = projection->version,
                   .emits = projection->emits,
                   .partitions = partitions,
                   .dedupe_horizon = dedupe_horizon,
                   .quarantine_retention = quarantine_retention,
                   .key_index = key_index});
  }
  return all;
}

bool emits(const Domain& domain) {
  const Projection* const projection = find(domain.name);
  return projection != nullptr && projection->emits;
}

ViewSession open_view(const std::string& url, std::string_view projection, int generation,
                      const std::string& session, const std::stop_token& gives_up) {
  const Domain domain = choose_domains({std::string(projection)}).front();
  auto sink = std::make_unique<PostgresSink>(
      PostgresSinkConfig{.url = url,
                         .projection = std::string(projection),
                         .generation = generation == 0 ? live_number(url, projection) : generation,
                         .published = published_rows(*domain.tables),
                         .session = session,
                         .gives_up = gives_up});
  auto builder = std::make_unique<PostgresBuilder>(*sink);
  return {std::move(sink), std::move(builder)};
}

Generation live_generation(const std::string& url, std::string_view projection) {
  return open_view(url, projection, 0).sink->generation();
}

}  // namespace sluice
