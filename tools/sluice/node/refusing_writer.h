#pragma once

#include <memory>

#include "storage/event_log.h"
#include "tools/sluice/node/log_watch.h"

namespace sluice {

// Appends by `writer`, but for records of partitions that have lost their tails as far as the watch
// knows, which are refused: their offsets would be given out again. A partition whose append failed
// is looked at before the next one: a log that was away may have come back without its tail. The
// watch outlives it.
[[nodiscard]] std::unique_ptr<EventWriter> refuse_lost_tails(std::unique_ptr<EventWriter> writer,
                                                             LogWatch& watch);

}  // namespace sluice
