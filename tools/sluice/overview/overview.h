#pragma once

// All that the database says of a system at one moment, as `sluice status` shows it.

#include <string>

#include "storage/postgres/postgres_vitals.h"
#include "tools/sluice/database.h"
#include "tools/sluice/overview/asked_log.h"

namespace sluice {

struct Overview {
  Answer partitions;
  Answer generations;
  Answer computations;
  Answer troubles;
  Answer notes;  // what stands still rightly: for people
  Answer rejected;
  Answer quarantined;
  Answer audit;
  Answer processes;
  PostgresVitals postgres;

  // Nothing stands still, and every lag is known.
  [[nodiscard]] bool all_is_well() const;
  [[nodiscard]] std::string json() const;
  [[nodiscard]] std::string text() const;
};

// `log`: asked for what the database does not know; null: it is not. Throws what these throw.
[[nodiscard]] Overview look_over(Database& database, AskedLog* log);

}  // namespace sluice
