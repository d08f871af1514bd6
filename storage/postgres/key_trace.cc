#include "storage/postgres/key_trace.h"

#include <utility>

#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/postgres/copy_text.h"

namespace sluice {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
// In the place of a column's number: the whole row.
constexpr int kWholeRow = -1;

// Numbers, since a column's name may be as long as Postgres allows.
std::string old_name(std::size_t column) { return "\"old " + std::to_string(column) + "\""; }
std::string new_name(std::size_t column) { return "\"new " + std::to_string(column) + "\""; }

std::string quoted(const Column& column) { return "\"" + column.field->name() + "\""; }

std::string traced(const std::string& table) { return "\"traced_" + table + "\""; }

// The pieces of the question for what changed.
struct TraceSql {
  explicit TraceSql(const std::vector<Column>& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string name = quoted(columns[i]);
      const std::string literal = "'" + columns[i].field->name() + "'";
      const std::string comma = i == 0 ? "" : ", ";
      names += comma + literal;
      old_row += comma + (columns[i].key ? name : old_name(i) + " AS " + name);
      new_row += comma + (columns[i].key ? name : new_name(i) + " AS " + name);
      if (columns[i].key) {
        keys += (keys.empty() ? "" : ", ") + name;
        key_json += (key_json.empty() ? "" : ", ") + literal + ", " + name;
        continue;
      }
      const std::string when = " WHEN " + std::to_string(i) + " THEN to_jsonb(";
      old_cells += when + old_name(i) + ")";
      new_cells += when + new_name(i) + ")";
    }
  }
  std::string names;
  std::string keys;
  std::string key_json;
  std::string old_row;
  std::string new_row;
  std::string old_cells;
  std::string new_cells;
};

std::string side(const char* there, const std::string& row, const std::string& cells) {
  return "CASE n WHEN " + std::to_string(kWholeRow) + " THEN CASE WHEN " + std::string(there) +
         " THEN (SELECT to_jsonb(w) FROM (SELECT " + row + ") AS w) END" + cells + " END";
}

}  // namespace

KeyTrace::Table::Table(const google::protobuf::Descriptor& row)
    : name(table_name(row)), columns(columns_of(row)) {}

KeyTrace::Table& KeyTrace::table_of(const google::protobuf::Descriptor& row) {
  const auto found = tables_.find(&row);
  return found != tables_.end() ? found->second : tables_.emplace(&row, row).first->second;
}

void KeyTrace::change(std::int64_t step, const google::protobuf::Message* before,
                      const google::protobuf::Message* after) {
  CHECK(before != nullptr || after != nullptr, "a change has a side");
  const google::protobuf::Message& row = before != nullptr ? *before : *after;
  Table& table = table_of(*row.GetDescriptor());
  std::string numbers;
  if (!append_sides(table, before, after, numbers)) return;
  append_number(step, table.lines);
  table.lines += "\t{" + numbers + "}";
  table.lines += before != nullptr ? "\tt" : "\tf";
  table.lines += after != nullptr ? "\tt" : "\tf";
  for (const Column& column : table.columns) {
    if (!column.key) continue;
    table.lines += '\t';
    append_column(row, column, table.lines, scratch_);
  }
  table.lines += sides_ + "\n";
  if (table.lines.size() >= kPieceBytes) send(table);
}

void KeyTrace::read_column(const google::protobuf::Message* row, const Column& column,
                           std::string& text) {
  text.clear();
  if (row == nullptr) {
    text = "\\N";
  } else {
    append_column(*row, column, text, scratch_);
  }
}

// What reads the same is the same; what reads otherwise may be the same all the same, and Postgres
// says so later.
bool KeyTrace::append_sides(Table& table, const google::protobuf::Message* before,
                            const google::protobuf::Message* after, std::string& numbers) {
  const bool whole = before == nullptr || after == nullptr;
  sides_.clear();
  if (whole) numbers = std::to_string(kWholeRow);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.key) continue;
    read_column(before, column, old_text_);
    read_column(after, column, new_text_);
    if (!whole && old_text_ == new_text_) {
      sides_ += "\t\\N\t\\N";
      continue;
    }
    if (!whole) numbers += (numbers.empty() ? "" : ",") + std::to_string(i);
    sides_ += '\t';
    sides_ += old_text_;
    sides_ += '\t';
    sides_ += new_text_;
  }
  return !numbers.empty();
}

void KeyTrace::send(Table& table) {
  if (!std::exchange(table.made, true)) {
    std::string keys;
    std::string sides;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string name = quoted(table.columns[i]);
      if (table.columns[i].key) {
        keys += ", " + name;
      } else {
        sides += ", " + name + " AS " + old_name(i) + ", " + name + " AS " + new_name(i);
      }
    }
    connection_.run("CREATE TEMP TABLE " + traced(table.name) +
                    " AS SELECT 0::bigint AS \"step of trace\", '{}'::integer[] AS "
                    "\"which columns\", true AS \"was there\", true AS \"is there\"" +
                    keys + sides + " FROM \"" + schema_ + "\".\"" + table.name + "\" WITH NO DATA");
  }
  connection_.copy_in("COPY pg_temp." + traced(table.name) + " FROM STDIN", table.lines);
  table.lines.clear();
}

std::vector<KeyChange> KeyTrace::changes(const google::protobuf::Descriptor& row) {
  std::vector<KeyChange> made;
  const auto found = tables_.find(&row);
  if (found == tables_.end()) return made;
  Table& table = found->second;
  if (!table.lines.empty()) send(table);
  if (!table.made) return made;
  const TraceSql sql(table.columns);
  const PgResult told = connection_.run(
      "SELECT \"step of trace\", jsonb_build_object(" + sql.key_json +
      "), n, coalesce(a, 'null'), coalesce(b, 'null') FROM pg_temp." + traced(table.name) +
      " CROSS JOIN LATERAL unnest(\"which columns\") AS n CROSS JOIN LATERAL (SELECT " +
      side("\"was there\"", sql.old_row, sql.old_cells) + " AS a, " +
      side("\"is there\"", sql.new_row, sql.new_cells) +
      " AS b) AS v WHERE n = -1 OR a IS DISTINCT FROM b ORDER BY 1, " + sql.keys + ", (ARRAY[" +
      sql.names + "])[n + 1]");
  for (int i = 0; i < told.rows(); ++i) {
    const std::int64_t number = told.number(i, 2);
    std::optional<std::string> column;
    if (number != kWholeRow) column = table.columns[static_cast<std::size_t>(number)].field->name();
    made.push_back({told.number(i, 0), table.name, std::string(told.text(i, 1)), std::move(column),
                    std::string(told.text(i, 3)), std::string(told.text(i, 4))});
  }
  return made;
}

}  // namespace sluice
