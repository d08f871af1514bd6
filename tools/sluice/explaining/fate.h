#pragma once

// What became of a record of the log, as readers see it.

#include <optional>
#include <string>
#include <string_view>

#include "tools/sluice/explaining/found_record.h"

namespace sluice {

struct Fate {
  std::string_view word;  // "waiting", "visible", "rejected", "quarantined", "duplicate"
  std::optional<std::string> reason = {};  // for people, or a rejection's
  // Of what it repeats, or waits behind: of that under its key, below 0 a timer; of the view, while
  // that has not come to it.
  std::optional<std::int64_t> of = {};
  // It was found by a fold of the key alone, of which the index says that it was folded by others.
  bool by_other_rules = false;
};

// By the view, and where that does not tell by a fold of the record's key alone. Throws what
// reading throws; Misconfigured where the key is to be folded and readers see rows by other rules
// than this program's.
[[nodiscard]] Fate fate_of(const KeySources& sources, const FoundRecord& record);

}  // namespace sluice
