#include "tools/sluice/database.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "storage/errors.h"
#include "tools/sluice/json.h"

namespace sluice {
namespace {

// Types by their fixed numbers in Postgres's catalogue.
bool is_plain(pqxx::oid type) {
  constexpr pqxx::oid kPlain[] = {16 /*bool*/, 20 /*int8*/,    21 /*int2*/,    23 /*int4*/,
                                  26 /*oid*/,  700 /*float4*/, 701 /*float8*/, 1700 /*numeric*/};
  return std::ranges::count(kPlain, type) > 0;
}

std::string plain_json(const std::string& text) {
  if (text == "t") return "true";
  if (text == "f") return "false";
  return text;
}

std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

}  // namespace

std::string Answer::json() const {
  std::string json = "[";
  for (const auto& row : rows) {
    json += json.size() > 1 ? ",{" : "{";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) json += ',';
      (json += json_string(columns[i].name)) += ':';
      json += !row[i] ? "null" : columns[i].is_plain ? plain_json(*row[i]) : json_string(*row[i]);
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

struct Database::Connection {
  pqxx::connection to;
};

Database::Database(const std::string& url) try
    : connection_(new Connection{pqxx::connection(url)}) {
} catch (const pqxx::broken_connection& error) {
  throw Retryable("cannot reach Postgres (" + one_line(error.what()) +
                  "): is --postgres what `sluice up` printed, and does it run?");
}

Database::~Database() = default;

Answer Database::ask(const std::string& sql, const std::vector<std::string>& parameters) try {
  pqxx::nontransaction work(connection_->to);
  const pqxx::result result = work.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters));
  Answer answer;
  for (pqxx::row::size_type i = 0; i < result.columns(); ++i) {
    answer.columns.push_back({result.column_name(i), is_plain(result.column_type(i))});
  }
  for (const auto& row : result) {
    auto& fields = answer.rows.emplace_back();
    for (const auto& field : row) {
      fields.push_back(field.is_null() ? std::nullopt : std::optional<std::string>(field.c_str()));
    }
  }
  return answer;
} catch (const pqxx::broken_connection& error) {
  throw Retryable("Postgres has gone away: " + one_line(error.what()));
} catch (const pqxx::sql_error& error) {
  throw Misconfigured("Postgres refuses: " + one_line(error.what()));
}

void add_postgres_option(Command& command, std::string& url) {
  command.text("postgres", url, "URL of Postgres, as `sluice up` prints it").required();
}

}  // namespace sluice
