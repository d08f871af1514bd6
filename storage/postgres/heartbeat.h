#pragma once

#include <span>
#include <string>

#include "storage/postgres/connection.h"
#include "storage/projection_sink.h"

namespace sluice {

// Writes what processes say of partitions of a generation to sluice.heartbeat, by the contract of
// ProjectionSink::show_progress(). Waits for no flush: that one holds rows of sluice.position.
void write_heartbeats(PgConnection& connection, const std::string& projection,
                      const std::string& generation, std::span<const LogProgress> progress);

}  // namespace sluice
