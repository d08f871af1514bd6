#include "storage/postgres/engine_indexes.h"

#include <regex>

#include "storage/base/check.h"

extern const char* const kEngineSql;

namespace sluice {

std::vector<EngineIndex> engine_indexes() {
  static const std::regex statements(
      R"(CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (\w+) ON (\S+) [^;]*)");
  static const std::regex gaps(R"(\s+)");
  const std::string sql = kEngineSql;
  std::vector<EngineIndex> all;
  for (std::sregex_iterator made(sql.begin(), sql.end(), statements), end; made != end; ++made) {
    all.push_back({made->str(1), made->str(2), std::regex_replace(made->str(0), gaps, " ")});
  }
  CHECK(!all.empty(), "the engine's schema has indexes");
  return all;
}

std::vector<EngineKey> engine_keys() {
  static const std::regex tables(R"(CREATE TABLE IF NOT EXISTS (\S+) \([^;]*)");
  static const std::regex of_table(R"(PRIMARY KEY \(([^)]*)\))");
  static const std::regex of_column(R"((\w+) [^,(]*PRIMARY KEY)");
  const std::string sql = kEngineSql;
  std::vector<EngineKey> all;
  for (std::sregex_iterator made(sql.begin(), sql.end(), tables), end; made != end; ++made) {
    const std::string text = made->str(0);
    std::smatch key;
    if (std::regex_search(text, key, of_table) || std::regex_search(text, key, of_column)) {
      all.push_back({made->str(1), key.str(1)});
    }
  }
  CHECK(!all.empty(), "tables of the engine's schema have keys");
  return all;
}

}  // namespace sluice
