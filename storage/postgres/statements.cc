#include "storage/postgres/statements.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace sluice {
namespace {

// Where what begins at the front of `rest` ends, its own end included.
std::size_t through(std::string_view rest, std::string_view end, std::size_t begun) {
  const auto found = rest.find(end, begun);
  return found == std::string_view::npos ? rest.size() : found + end.size();
}

// "$$" or "$body$" at the front; empty: there is none, as in the parameter "$1".
std::string_view dollar_tag(std::string_view rest) {
  std::size_t length = 1;
  while (length < rest.size() &&
         (std::isalpha(static_cast<unsigned char>(rest[length])) != 0 || rest[length] == '_')) {
    ++length;
  }
  if (length == rest.size() || rest[length] != '$') return {};
  return rest.substr(0, length + 1);
}

// How much at the front belongs together whatever is in it; 0: an ordinary letter.
std::size_t quoted_length(std::string_view rest) {
  switch (rest.front()) {
    case '\'':
    case '"':
      return through(rest, rest.substr(0, 1), 1);
    case '$': {
      const std::string_view tag = dollar_tag(rest);
      return tag.empty() ? 0 : through(rest, tag, tag.size());
    }
    default:
      return 0;
  }
}

std::size_t comment_length(std::string_view rest) {
  if (rest.starts_with("--")) return through(rest, "\n", 2);
  if (rest.starts_with("/*")) return through(rest, "*/", 2);
  return 0;
}

void add(std::string& statement, std::vector<std::string>& all) {
  const bool blank = std::ranges::all_of(
      statement, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  if (!blank) all.push_back(statement);
  statement.clear();
}

}  // namespace

std::vector<std::string> statements_of(std::string_view sql) {
  std::vector<std::string> all;
  std::string statement;
  while (!sql.empty()) {
    if (const std::size_t length = comment_length(sql); length > 0) {
      statement += ' ';
      sql.remove_prefix(length);
      continue;
    }
    if (sql.front() == ';') {
      add(statement, all);
      sql.remove_prefix(1);
      continue;
    }
    const std::size_t length = std::max<std::size_t>(quoted_length(sql), 1);
    statement += sql.substr(0, length);
    sql.remove_prefix(length);
  }
  add(statement, all);
  return all;
}

std::string made_by(std::string_view statement) {
  static const std::regex makes(R"(^\s*CREATE\s+(OR\s+REPLACE\s+)?(\w+)\s+([^\s(]+))",
                                std::regex::icase);
  std::match_results<std::string_view::const_iterator> found;
  if (std::regex_search(statement.begin(), statement.end(), found, makes)) {
    std::string kind = found[2].str();
    std::ranges::transform(kind, kind.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return kind + " " + found[3].str();
  }
  constexpr std::size_t kShown = 60;
  const auto begin = std::min(statement.find_first_not_of(" \t\n"), statement.size());
  return std::string(statement.substr(begin, kShown));
}

}  // namespace sluice
