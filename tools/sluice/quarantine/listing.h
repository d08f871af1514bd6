#pragma once

// What is in quarantine, page by page: keys and reasons may be as wide as records are.

#include <cstdint>
#include <functional>
#include <string>

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

}  // namespace sluice
