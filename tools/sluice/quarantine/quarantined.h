#pragma once

// What is in quarantine, as Postgres has it of the live generation.

#include <cstdint>
#include <optional>
#include <string>

#include "storage/base/position.h"
#include "storage/postgres/connection.h"
#include "tools/sluice/quarantine/decision.h"

namespace sluice {

// Which record, as a person names it: empty parts are not said.
struct QuarantineQuery {
  std::string projection;
  std::optional<Partition> partition;
  std::optional<std::string> key;
  std::optional<Offset> offset;
};

struct QuarantinedPlace {
  Partition partition;
  Offset offset;
  std::string key;
  bool parks_key = false;    // false: it stands by itself, such as a misrouted one
  bool aged_out = false;     // Postgres and state no longer have its bytes
  std::int64_t waiting = 0;  // records under its key, where they are counted
};

// The one record that is to be discarded. Misconfigured, naming what is there, when there is none
// or more than one.
[[nodiscard]] QuarantinedPlace find_discarded(PgConnection& postgres, const QuarantineQuery& query);

// The same of a record that waits under a key and is to be edited, which a timer cannot be.
[[nodiscard]] QuarantinedPlace find_edited(PgConnection& postgres, const QuarantineQuery& query);

// The first record that waits under the key which is to be released. Misconfigured, naming what is
// there, when nothing waits under it.
[[nodiscard]] QuarantinedPlace find_released(PgConnection& postgres, const QuarantineQuery& query);

// By what is to be done with it.
[[nodiscard]] QuarantinedPlace find_decided(PgConnection& postgres, Verdict verdict,
                                            const QuarantineQuery& query);

// The decision is about what is there.
void locate(QuarantineDecision& decision, const QuarantinedPlace& place);

}  // namespace sluice
