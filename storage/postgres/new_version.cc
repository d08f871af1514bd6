#include "storage/postgres/new_version.h"

#include <spdlog/spdlog.h>

#include "storage/base/crash_point.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/generations.h"

namespace sluice {
namespace {

using Is = VersionStand::Is;

// Until another applier is done.
constexpr std::chrono::minutes kStatementTimeout{5};

void bring_engine_up(PgConnection& connection) {
  as_applier(connection, [&](auto lock_wait) {
    begin_applying(connection, lock_wait);
    apply_engine(connection, false);
    connection.run("COMMIT");
  });
}

// A generation, as people are told of it.
struct Told {
  std::string number;
  std::string version;
  std::string status;

  [[nodiscard]] std::string text() const {
    return "generation " + number + " (" + status + ", of version " + version + ")";
  }
};

// The first in the order of `order`, of those that `which` names.
std::optional<Told> find(PgConnection& connection, const PublishedSchema& schema,
                         const std::string& which, const std::string& order = "generation") {
  const PgResult found = connection.run(
      "SELECT generation, version, status FROM sluice.projection WHERE projection = $1 AND (" +
          which + ") AND $2::integer IS NOT NULL ORDER BY " + order + " LIMIT 1",
      {schema.domain, std::to_string(schema.version)});
  if (found.rows() == 0) return std::nullopt;
  return Told{std::string(found.text(0, 0)), std::string(found.text(0, 1)),
              std::string(found.text(0, 2))};
}

std::string why_not(PgConnection& connection, const PublishedSchema& schema, bool makes) {
  const std::string domain(schema.domain);
  const std::string ours =
      "this program has version " + std::to_string(schema.version) + " of the rules of " + domain;
  const std::string rebuild =
      "`sluice rebuild " + domain + "` of this program builds one of its version";
  if (const auto higher = find(connection, schema, "version > $2", "version DESC")) {
    return ours + ", " + higher->text() + " was made by a newer one: start that one; " + rebuild;
  }
  if (const auto before = find(connection, schema, "version = $2", "generation DESC")) {
    return ours + ", and its " + before->text() +
           " is not made a second time by itself: " + rebuild;
  }
  if (const auto between = find(connection, schema, "status IN ('building', 'ready')");
      makes && between) {
    return ours + ", and " + between->text() + " comes first: promote it, or `sluice retire " +
           domain + " --generation " + between->number + "` takes it away";
  }
  const auto live = find(connection, schema, "live");
  return ours + ", readers see " + (live ? live->text() : std::string("none")) + ": " + rebuild;
}

}  // namespace

VersionStand stand_of_version(const std::string& url, const PublishedSchema& schema, bool makes) {
  PgConnection connection(url, kStatementTimeout);
  if (!engine_is_applied(connection)) bring_engine_up(connection);
  const bool known = find(connection, schema, "true").has_value();
  if (!known || find(connection, schema,
                     "version = $2 AND status IN ('building', 'ready', 'live', 'standing')")) {
    return {};
  }
  if (makes && !find(connection, schema, "version >= $2 OR status IN ('building', 'ready')")) {
    const MadeGeneration made = make_generation(url, schema, {.promotes_itself = true});
    if (made.made) {
      spdlog::info("new version is built projection={} generation={} version={}", schema.domain,
                   made.number, schema.version);
      crash_point(CrashPoint("generation.made"));
      return {.is = Is::made, .generation = made.number, .why = {}};
    }
    if (made.version == schema.version) return {};
  }
  return {.is = Is::awaited, .generation = 0, .why = why_not(connection, schema, makes)};
}

}  // namespace sluice
