#include "tools/sluice/database.h"

#include <algorithm>
#include <cstdint>

#include "tools/sluice/cli/json.h"

namespace sluice {
namespace {

// Types by their fixed numbers in Postgres's catalogue.
bool is_plain(std::uint32_t type) {
  constexpr std::uint32_t kPlain[] = {16 /*bool*/,    20 /*int8*/, 21 /*int2*/,
                                      23 /*int4*/,    26 /*oid*/,  700 /*float4*/,
                                      701 /*float8*/, 1700 /*numeric*/};
  return std::ranges::count(kPlain, type) > 0;
}

std::string plain_json(const std::string& text) {
  if (text == "t") return "true";
  if (text == "f") return "false";
  return text;
}

std::string cell_json(const std::optional<std::string>& cell, bool is_plain) {
  if (!cell) return "null";
  return is_plain ? plain_json(*cell) : json_string(*cell);
}

}  // namespace

std::string Answer::json() const {
  std::string json = "[";
  for (const auto& row : rows) {
    json += json.size() > 1 ? ",{" : "{";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) json += ',';
      (json += json_string(columns[i].name)) += ':';
      json += cell_json(row[i], columns[i].is_plain);
    }
    json += "}";
  }
  return json + "]";
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

Answer Database::ask(const std::string& sql, const std::vector<std::string>& parameters) {
  const PgResult result = connection_.run(sql, parameters);
  Answer answer;
  for (int i = 0; i < result.columns(); ++i) {
    answer.columns.push_back({std::string(result.name(i)), is_plain(result.type(i))});
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
