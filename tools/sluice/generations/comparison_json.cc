#include "tools/sluice/generations/comparison_json.h"

#include "storage/base/json_writer.h"

namespace sluice {
namespace {

void write(JsonWriter& json, const TableComparison& table) {
  json.begin_object()
      .field("table", table.table)
      .field("same", table.same)
      .field("added", table.added)
      .field("missing", table.missing)
      .field("changed", table.changed)
      .field("undecided", table.undecided)
      .field("unexpected", table.unexpected);
  json.name("columns").begin_object();
  for (const auto& [column, rows] : table.columns) json.field(column, rows);
  json.end_object().name("samples").begin_array();
  for (const TableComparison::Sample& sample : table.samples) {
    json.begin_object().name("key").json(sample.key);
    json.name("old").json(sample.old_row);
    json.name("new").json(sample.new_row).end_object();
  }
  json.end_array().end_object();
}

void write(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.name(name).begin_array();
  for (const std::string& text : texts) json.text(text);
  json.end_array();
}

}  // namespace

std::string json_of(const Positions& positions) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [partition, position] : positions) {
    json.field(std::to_string(partition), position);
  }
  return json.end_object().take();
}

std::string json_of(const Comparison& comparison) {
  JsonWriter json;
  json.begin_object()
      .field("generation", comparison.generation)
      .field("against", comparison.against);
  json.name("positions").json(json_of(comparison.positions));
  json.name("tables").begin_array();
  for (const TableComparison& table : comparison.tables) write(json, table);
  json.end_array();
  write(json, "columns_added", comparison.columns_added);
  write(json, "columns_dropped", comparison.columns_dropped);
  json.field("unexpected", comparison.unexpected).name("emitted");
  if (!comparison.emitted) return json.null().end_object().take();
  json.begin_array();
  for (const EmissionComparison& each : *comparison.emitted) {
    json.begin_object()
        .field("stream", each.stream)
        .field("same", each.same)
        .field("otherwise", each.otherwise)
        .end_object();
  }
  return json.end_array().end_object().take();
}

std::string unexpected_of(const Comparison& comparison) {
  std::string text;
  for (const TableComparison& table : comparison.tables) {
    if (table.unexpected == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(table.unexpected) +
            (table.unexpected == 1 ? " row of " : " rows of ") + table.table;
    std::string columns;
    for (const auto& [column, rows] : table.columns) {
      columns += (columns.empty() ? " (" : ", ") + column;
    }
    if (!columns.empty()) text += columns + ")";
  }
  return text;
}

}  // namespace sluice
