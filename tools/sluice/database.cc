#include "tools/sluice/database.h"

#include <algorithm>
#include <cstdint>

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/error.h"
#include "tools/sluice/engine_lock.h"

namespace sluice {
namespace {

// Types by their fixed numbers in Postgres's catalogue.
bool is_plain(std::uint32_t type) {
  constexpr std::uint32_t kPlain[] = {16 /*bool*/,    20 /*int8*/, 21 /*int2*/,
                                      23 /*int4*/,    26 /*oid*/,  700 /*float4*/,
                                      701 /*float8*/, 1700 /*numeric*/};
  return std::ranges::count(kPlain, type) > 0;
}

bool is_json(std::uint32_t type) { return type == 114 /*json*/ || type == 3802 /*jsonb*/; }

void write_cell(JsonWriter& json, const std::optional<std::string>& cell,
                const Answer::Column& column) {
  if (!cell) {
    json.null();
  } else if (column.is_json) {
    json.json(*cell);
  } else if (!column.is_plain) {
    json.text(*cell);
  } else if (*cell == "t" || *cell == "f") {
    json.flag(*cell == "t");
  } else {
    json.json(*cell);
  }
}

}  // namespace

std::size_t Answer::column(std::string_view name) const {
  const auto found = std::ranges::find(columns, name, &Column::name);
  CHECK(found != columns.end(), "who asks for a column has selected it");
  return static_cast<std::size_t>(found - columns.begin());
}

Answer Answer::only(const std::vector<std::string>& names) const {
  Answer some;
  std::vector<std::size_t> places;
  for (const std::string& name : names) places.push_back(column(name));
  for (const std::size_t place : places) some.columns.push_back(columns[place]);
  for (const auto& row : rows) {
    auto& kept = some.rows.emplace_back();
    for (const std::size_t place : places) kept.push_back(row[place]);
  }
  return some;
}

std::string Answer::json() const {
  JsonWriter json;
  json.begin_array();
  for (const auto& row : rows) {
    json.begin_object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      write_cell(json.name(columns[i].name), row[i], columns[i]);
    }
    json.end_object();
  }
  return json.end_array().take();
}

std::string Answer::table() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(columns[i].name.size());
    for (const auto& row : rows) widths[i] = std::max(widths[i], row[i].value_or("").size());
  }
  std::string text;
  const auto line = [&](const auto& cell) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string value = cell(i);
      const std::string gap(widths[i] - value.size(), ' ');
      text += i > 0 ? "  " : "";
      text += columns[i].is_plain ? gap + value : value + gap;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  line([&](std::size_t i) { return columns[i].name; });
  for (const auto& row : rows) {
    line([&](std::size_t i) { return row[i].value_or(""); });
  }
  return text;
}

// A lock that was waited for in vain has somebody who holds it.
PgResult Database::run(const std::string& sql, const std::vector<std::string>& parameters) {
  try {
    return connection_.run(sql, parameters);
  } catch (const Retryable& failure) {
    if (!has_state(failure, "55P03")) throw;
    const auto lock = engine_lock(connection_, std::chrono::milliseconds(0));
    if (!lock) throw;
    throw Retryable(lock->what + ": let it end, or end it by psql: " + lock->end());
  }
}

Answer Database::ask(const std::string& sql, const std::vector<std::string>& parameters) {
  const PgResult result = run(sql, parameters);
  Answer answer;
  for (int i = 0; i < result.columns(); ++i) {
    answer.columns.push_back(
        {std::string(result.name(i)), is_plain(result.type(i)), is_json(result.type(i))});
  }
  for (int row = 0; row < result.rows(); ++row) {
    auto& fields = answer.rows.emplace_back();
    for (int i = 0; i < result.columns(); ++i) {
      fields.push_back(result.null(row, i) ? std::nullopt
                                           : std::optional<std::string>(result.text(row, i)));
    }
  }
  return answer;
}

void add_postgres_option(Command& command, std::string& url) {
  command.text("postgres", url, "URL of Postgres, as `sluice up` prints it").required();
}

}  // namespace sluice
