#include "tools/sluice/replay/as_of.h"

#include <algorithm>
#include <charconv>

#include "projectors/engine/fold/open_record.h"
#include "storage/base/errors.h"
#include "storage/postgres/connection.h"

namespace sluice {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw Misconfigured("--as-of is \"" + text +
                      "\": give an offset, such as 812, or a time, such as 2026-01-31T12:00:00Z");
}

// What Postgres takes for times of its own ("now", "tomorrow") is no answer to when.
bool is_date(const std::string& text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
         std::ranges::all_of(text.substr(0, 4), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

AsOf read_as_of(const std::string& text, const std::string& postgres) {
  if (text.empty()) return {};
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault == std::errc() && end == text.data() + text.size() && number >= 0) {
    return {Offset{number}, std::nullopt};
  }
  if (!is_date(text)) refuse(text);
  PgConnection connection(postgres);
  connection.run("SET TimeZone = 'UTC'");
  try {
    const PgResult found =
        connection.run("SELECT floor(extract(epoch FROM $1::timestamptz) * 1000)::bigint", {text});
    return {std::nullopt, Time{std::chrono::milliseconds(found.number(0, 0))}};
  } catch (const Retryable&) {
    throw;
  } catch (const Error&) {
    refuse(text);
  }
}

Offset position_as_of(Time time, const KeyHistory& history, const KeyPlace& place, Offset end,
                      PartitionRecords& records) {
  const RecordOpener opener(place.projection.name, place.partition, place.generation.partitions);
  EnvelopeOpener envelope;
  Offset at = history.mark ? history.mark->offset : Offset{0};
  while (at < end) {
    const auto record = records.from(at);
    if (!record || record->offset >= end) return end;
    const OpenRecord open = opener.open(*record, record->offset, envelope);
    if (open.recorded_at > time) return record->offset;
    at = record->offset.next();
  }
  return std::min(at, end);
}

}  // namespace sluice
