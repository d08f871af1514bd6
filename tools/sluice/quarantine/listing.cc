#include "tools/sluice/quarantine/listing.h"

#include <optional>

#include "storage/base/errors.h"
#include "tools/sluice/cli/units.h"

namespace sluice {
namespace {

struct Place {
  std::string projection;
  std::int64_t partition = -1;
  std::int64_t position = -1;
};

Place parse(const std::string& text) {
  if (text.empty()) return {};
  const auto colon = text.find(':');
  const auto at = text.find('@');
  if (colon != std::string::npos && at != std::string::npos && colon < at) {
    const auto partition = parse_whole(text.substr(colon + 1, at - colon - 1));
    const auto position = parse_whole(text.substr(at + 1));
    if (partition && position) return {text.substr(0, colon), *partition, *position};
  }
  throw Misconfigured("--after takes PROJECTION:PARTITION@POSITION, as the list ends with, not \"" +
                      text + "\"");
}

std::string cut(const std::string& column, int wide) {
  if (wide == 0) return column;
  const std::string length = std::to_string(wide);
  return "CASE WHEN length(" + column + ") > " + length + " THEN left(" + column + ", " + length +
         ") || '...' ELSE " + column + " END AS " + column;
}

}  // namespace

Answer list_quarantine(Database& database, const ListedPage& page, int wide, bool& more) {
  const Place after = parse(page.after);
  Answer answer = database.ask(
      "SELECT projection, partition, position, " + cut("key", wide) + ", " + cut("reason", wide) +
          ", length(bytes) AS size, "
          "bytes IS NULL AND NOT beyond_limit AS aged_out, parks_key, beyond_limit "
          "FROM sluice.quarantine JOIN (SELECT projection, generation, live FROM "
          "sluice.projection) "
          "AS g USING (projection, generation) "
          "WHERE g.live AND (projection, partition, position) > ($1, $2::integer, $3::bigint) "
          "ORDER BY projection, partition, position LIMIT $4::bigint",
      {after.projection, std::to_string(after.partition), std::to_string(after.position),
       std::to_string(page.limit + 1)});
  more = static_cast<std::int64_t>(answer.rows.size()) > page.limit;
  if (more) answer.rows.pop_back();
  return answer;
}

std::string end_of(const Answer& page) {
  if (page.rows.empty()) return {};
  const auto& last = page.rows.back();
  return last[0].value() + ":" + last[1].value() + "@" + last[2].value();
}

}  // namespace sluice
