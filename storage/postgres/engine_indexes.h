#pragma once

#include <string>
#include <vector>

namespace sluice {

// An index that the engine's schema makes, beside primary keys.
struct EngineIndex {
  std::string name;
  std::string table;      // "sluice.rejection"
  std::string statement;  // makes it where it is missing
};

// As schemas/sluice/engine.sql has them.
[[nodiscard]] std::vector<EngineIndex> engine_indexes();

}  // namespace sluice
