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

// The primary key of a table of the engine's schema.
struct EngineKey {
  std::string table;    // "sluice.position"
  std::string columns;  // "projection, generation, partition"

  // Makes it where it is missing.
  [[nodiscard]] std::string statement() const {
    return "ALTER TABLE " + table + " ADD PRIMARY KEY (" + columns + ")";
  }
};

// As schemas/sluice/engine.sql has them.
[[nodiscard]] std::vector<EngineIndex> engine_indexes();
[[nodiscard]] std::vector<EngineKey> engine_keys();

}  // namespace sluice
