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

}  // namespace sluice
