#pragma once

#include <memory>

#include "storage/event_log.h"
#include "tools/sluice/node/log_watch.h"

namespace sluice {

// Appends by `writer`, but for records of partitions that have lost their tails as far as the watch
// knows, which are refused: their offsets would be given out again. The watch outlives it.
[[nodiscard]] std::unique_ptr<EventWriter> refuse_lost_tails(std::unique_ptr<EventWriter> writer,
                                                             const LogWatch& watch);

}  // namespace sluice
