#include "tools/sluice/replay/report.h"

#include "storage/base/json_writer.h"
#include "tools/sluice/records/event_json.h"

namespace sluice {
namespace {

void write_column(JsonWriter& json, const std::optional<std::string>& column) {
  json.name("column");
  if (column) {
    json.text(*column);
  } else {
    json.null();
  }
}

void write_rejections(JsonWriter& json, const std::vector<Rejection>& rejections) {
  json.name("rejections").begin_array();
  for (const Rejection& rejection : rejections) {
    json.begin_object().field("offset", rejection.position.value);
    json.field("id", rejection.event_id).field("reason", rejection.reason).end_object();
  }
  json.end_array();
}

}  // namespace

void write_differences(JsonWriter& json, const std::vector<KeyDifference>& differences) {
  json.name("differences").begin_array();
  for (const KeyDifference& difference : differences) {
    json.begin_object().field("table", difference.table).name("key").json(difference.key);
    write_column(json, difference.column);
    json.name("expected").json(difference.expected).name("found").json(difference.found);
    json.end_object();
  }
  json.end_array();
}

namespace {

void write_change(JsonWriter& json, const KeyChange& change) {
  json.begin_object().field("table", change.table).name("key").json(change.key);
  write_column(json, change.column);
  json.name("old").json(change.old_value).name("new").json(change.new_value).end_object();
}

void write_text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.name(name);
  if (text.empty()) {
    json.null();
  } else {
    json.text(text);
  }
}

void write_trace(JsonWriter& json, const ReplayReport& report) {
  json.name("trace").begin_array();
  auto change = report.changes.begin();
  for (std::size_t step = 0; step < report.steps->size(); ++step) {
    const KeyStep& at = (*report.steps)[step];
    const auto is_of_step = [&] {
      return change != report.changes.end() && change->step == static_cast<std::int64_t>(step);
    };
    // Another key's record by which nothing of this one changed says nothing.
    if (at.fired && !is_of_step()) continue;
    json.begin_object().field("offset", at.offset.value);
    write_text_or_null(json, "id", at.id);
    write_text_or_null(json, "type", at.fired ? "timer" : at.type);
    write_text_or_null(json, "reason", at.reason);
    json.name("changes").begin_array();
    for (; is_of_step(); ++change) write_change(json, *change);
    json.end_array().end_object();
  }
  json.end_array();
}

}  // namespace

std::string json_of(const ReplayReport& report) {
  JsonWriter json;
  write_key(json.begin_object(), report.key);
  json.field("partition", report.partition.value);
  json.field("as_of", report.as_of.value).field("records", report.records);
  json.field("index", report.index).name("tables").begin_object();
  for (const auto& [table, rows] : report.tables) {
    json.name(table).begin_array();
    for (const std::string& row : rows) json.json(row);
    json.end_array();
  }
  json.end_object();
  write_rejections(json, report.rejections);
  if (report.differences) write_differences(json, *report.differences);
  if (report.steps) write_trace(json, report);
  if (report.token) {
    json.name("repair").begin_object().field("token", *report.token).end_object();
  }
  return json.end_object().take();
}

}  // namespace sluice
