#include "tools/sluice/doctor/place.h"

#include <cstdlib>
#include <string_view>

#include "storage/postgres/url.h"
#include "tools/sluice/doctor/finding.h"
#include "tools/sluice/node/log.h"

namespace sluice {
namespace {

constexpr const char* kVariable = "SLUICE_POSTGRES";

// What the last process that projected says of its log; a row outlives a process that was killed.
std::string told_log(PgConnection& postgres) {
  const PgResult found = postgres.run(
      "SELECT vitals->>'brokers', vitals#>>'{disk,path}' FROM sluice.process "
      "WHERE vitals ? 'brokers' ORDER BY seen_at DESC LIMIT 1");
  if (found.rows() == 0) return {};
  if (!found.null(0, 0)) return " --brokers " + shell_word(found.text(0, 0));
  return found.null(0, 1) ? "" : " --data " + shell_word(found.text(0, 1));
}

}  // namespace

Place place_of(const std::string& url) {
  Place place;
  // Not as a property: what counts is whether the shell that is pasted into has it.
  const char* const variable = std::getenv(kVariable);
  if (variable != nullptr && url == variable) {
    place.postgres = "\"$" + std::string(kVariable) + "\"";
  } else {
    const std::string shown = without_password(url);
    place.postgres = shell_word(shown);
    place.lacks_password = shown != url;
  }
  return place;
}

Place place_of(PgConnection& postgres, const std::string& url, const LogOptions& log) {
  Place place = place_of(url);
  if (!log.data.empty()) {
    place.log = " --data " + shell_word(log.data);
  } else if (!log.brokers.empty()) {
    place.log = " --brokers " + shell_word(log.brokers);
  } else {
    place.log = told_log(postgres);
  }
  return place;
}

}  // namespace sluice
