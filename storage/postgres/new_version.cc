#include "storage/postgres/new_version.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

#include "storage/base/crash_point.h"
#include "storage/postgres/applied.h"
#include "storage/postgres/connection.h"

namespace sluice {
namespace {

using Is = VersionStand::Is;

// Until another applier is done.
constexpr std::chrono::minutes kStatementTimeout{5};
// Longer than from one word of a process to the next.
constexpr std::chrono::seconds kFirstWord{3};
constexpr std::chrono::milliseconds kBetweenLooks{250};

void bring_engine_up(PgConnection& connection) {
  if (engine_is_applied(connection)) return;
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
  bool promotes_itself = false;

  [[nodiscard]] std::string text() const {
    return "generation " + number + " (" + status + ", of version " + version + ")";
  }
};

// The first in the order of `order`, of those that `which` names.
std::optional<Told> find(PgConnection& connection, const PublishedSchema& schema,
                         const std::string& which, const std::string& order = "generation") {
  const PgResult found = connection.run(
      "SELECT generation, version, status, promotes_itself FROM sluice.projection "
      "WHERE projection = $1 AND (" +
          which + ") AND $2::integer IS NOT NULL ORDER BY " + order + " LIMIT 1",
      {schema.domain, std::to_string(schema.version)});
  if (found.rows() == 0) return std::nullopt;
  return Told{std::string(found.text(0, 0)), std::string(found.text(0, 1)),
              std::string(found.text(0, 2)), found.text(0, 3) == "t"};
}

bool runs(PgConnection& connection, const PublishedSchema& schema, const std::string& version) {
  const auto all = versions_that_run(connection, schema.domain);
  return std::ranges::count(all, std::stoll(version)) > 0;
}

bool is_there(PgConnection& connection, const PublishedSchema& schema) {
  return find(connection, schema,
              "version = $2 AND status IN ('building', 'ready', 'live', 'standing')")
      .has_value();
}

std::string retires(const PublishedSchema& schema, const Told& told) {
  return "`sluice retire " + std::string(schema.domain) + " --generation " + told.number +
         "` takes it away";
}

// Why one of another version that is in the making is not given up, and what to do.
std::string comes_first(PgConnection& connection, const PublishedSchema& schema, const Told& told) {
  const std::string text = told.text() + " comes first: ";
  if (runs(connection, schema, told.version)) {
    return text + "promote it, or " + retires(schema, told);
  }
  if (told.promotes_itself) {
    return text + "it is given up once nobody of version " + told.version +
           " was heard of for 10 s, or " + retires(schema, told);
  }
  return text + "it was asked for, and nobody runs version " + told.version +
         ": start a program of that version and promote it, or " + retires(schema, told);
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
    return ours + ", and " + comes_first(connection, schema, *between);
  }
  const auto live = find(connection, schema, "live");
  return ours + ", readers see " + (live ? live->text() : std::string("none")) + ": " + rebuild;
}

}  // namespace

VersionStand stand_of_version(const std::string& url, const PublishedSchema& schema, bool makes) {
  PgConnection connection(url, kStatementTimeout);
  bring_engine_up(connection);
  const bool known = find(connection, schema, "true").has_value();
  if (!known || is_there(connection, schema)) return {};
  if (makes && !find(connection, schema, "version >= $2") &&
      find(connection, schema, "status IN ('building', 'ready') AND promotes_itself")) {
    if (const auto refused = give_up_abandoned(url, schema.domain, schema.version)) {
      return {.is = Is::awaited,
              .generation = 0,
              .why = "an abandoned generation could not be given up: " + refused->reason};
    }
  }
  if (makes && !find(connection, schema, "version >= $2 OR status IN ('building', 'ready')")) {
    const MadeGeneration made = make_generation(url, schema, {.promotes_itself = true});
    if (made.made) {
      spdlog::info("new version is built projection={} generation={} version={}", schema.domain,
                   made.number, schema.version);
      crash_point(CrashPoint("generation.made"));
      return {.is = Is::made, .generation = made.number, .why = {}};
    }
  }
  // Another process may have made it meanwhile.
  if (is_there(connection, schema)) return {};
  return {.is = Is::awaited, .generation = 0, .why = why_not(connection, schema, makes)};
}

std::optional<GenerationRefusal> refuse_another_version(const std::string& url,
                                                        const PublishedSchema& schema) {
  PgConnection connection(url, kStatementTimeout);
  bring_engine_up(connection);
  const std::string domain(schema.domain);
  const std::string ours =
      "this program has version " + std::to_string(schema.version) + " of the rules of " + domain;
  if (const auto there = find(connection, schema, "status IN ('building', 'ready')")) {
    if (there->version == std::to_string(schema.version)) return std::nullopt;
    return GenerationRefusal{"another_version", there->text() + " is in the making, and " + ours +
                                                    ": ask by a program of version " +
                                                    there->version + ", or " +
                                                    retires(schema, *there)};
  }
  const auto until = std::chrono::steady_clock::now() + kFirstWord;
  for (;;) {
    const auto all = versions_that_run(connection, schema.domain);
    if (all.empty() || std::ranges::count(all, schema.version) > 0) return std::nullopt;
    if (std::chrono::steady_clock::now() >= until) {
      return GenerationRefusal{
          "another_version",
          ours + ", and who projects it has version " + std::to_string(all.back()) +
              ": nobody would fold it. Start `sluice up` or `sluice project` "
              "of version " +
              std::to_string(schema.version) + " first, or ask by a program of theirs"};
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace sluice
