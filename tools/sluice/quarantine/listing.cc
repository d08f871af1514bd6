#include "tools/sluice/quarantine/listing.h"

#include <optional>

#include "storage/base/errors.h"
#include "tools/sluice/cli/units.h"
#include "tools/sluice/records/described_record.h"

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

// Pairs of digits, as Postgres encodes bytes.
std::string from_hex(std::string_view digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(value(digits[i]) << 4 | value(digits[i + 1]));
  }
  return bytes;
}

// nullopt: the record is no event, or its bytes have gone.
std::optional<std::string> event_of(const Domain& domain, const Answer& found) {
  const auto& row = found.rows.front();
  const auto& hex = row[found.column("hex")];
  if (!hex) return std::nullopt;
  const auto number = [&](std::string_view column) {
    return parse_whole(row[found.column(column)].value_or("")).value_or(0);
  };
  const std::string key = row[found.column("key")].value_or("");
  const std::string value = from_hex(*hex);
  const LogRecord record{Partition{static_cast<int>(number("partition"))},
                         Offset{number("position")},
                         Time{std::chrono::milliseconds(number("appended_at"))},
                         key,
                         value,
                         true};
  DescribedRecord described = RecordDescriber(domain).describe(record);
  if (described.kind != DescribedRecord::Kind::event) return std::nullopt;
  return std::move(described.json);
}

}  // namespace

Answer show_quarantined(Database& database, const Domain& domain, Partition partition,
                        Offset position) {
  const Answer found = database.ask(
      "SELECT projection, partition, position, key, reason, "
      // Postgres breaks lines, as mail does.
      "translate(encode(bytes, 'base64'), E'\\n', '') AS value, "
      "encode(bytes, 'hex') AS hex, "
      "(extract(epoch FROM appended_at) * 1000)::bigint AS appended_at "
      "FROM sluice.quarantine JOIN (SELECT projection, generation, live FROM sluice.projection) "
      "AS g USING (projection, generation) WHERE g.live AND projection = $1 "
      "AND partition = $2::bigint AND position = $3::bigint",
      {std::string(domain.name), std::to_string(partition.value), std::to_string(position.value)});
  Answer shown = found.only({"projection", "partition", "position", "key", "reason", "value"});
  if (shown.rows.empty()) return shown;
  shown.columns.push_back({.name = "event", .is_json = true});
  shown.rows.front().push_back(event_of(domain, found));
  return shown;
}

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
