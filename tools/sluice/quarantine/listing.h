#pragma once

// What is in quarantine, page by page: keys and reasons may be as wide as records are.

#include <cstdint>
#include <functional>
#include <string>

#include "schemas/descriptors/domain.h"
#include "storage/base/position.h"
#include "tools/sluice/database.h"

namespace sluice {

struct ListedPage {
  std::string after;  // "deliberation:3@812": what stands behind it; empty: from the beginning
  std::int64_t limit = 100;
};

// Of the live generations, in the order of projection, partition and position. `wide`: how many
// characters of a text are shown; 0: all. `more` is set when there are more behind the page.
[[nodiscard]] Answer list_quarantine(Database& database, const ListedPage& page, int wide,
                                     bool& more);

// Where the page ends, to go on after. Empty for an empty page.
[[nodiscard]] std::string end_of(const Answer& page);

// The record of the domain's live generation that waits there, with its bytes in base64 (`value`)
// and, where they are an event that ingest would take, that as `sluice tail` prints it (`event`).
// No row: nothing is there.
[[nodiscard]] Answer show_quarantined(Database& database, const Domain& domain, Partition partition,
                                      Offset position);

}  // namespace sluice
