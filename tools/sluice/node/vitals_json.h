#pragma once

// The parts of a process's row in sluice.process, as JSON. Each is a field of the object that is
// begun, but for those that say otherwise; null where there is nothing to tell.

#include <filesystem>
#include <optional>

#include "projectors/engine/run/hot_keys.h"
#include "projectors/engine/run/partition_counts.h"
#include "storage/base/json_writer.h"
#include "storage/base/recent_times.h"
#include "storage/postgres/postgres_vitals.h"
#include "storage/rocksdb/rocks_resources.h"
#include "tools/sluice/node/kafka_vitals.h"
#include "tools/sluice/node/projector_metrics.h"
#include "tools/sluice/node/recent_counts.h"

namespace sluice {

// Fields, without an object of their own.
void write_postgres(JsonWriter& json, const PostgresVitals& postgres);

void write_began(JsonWriter& json, const Recovery& began);
void write_rocksdb(JsonWriter& json, const RocksVitals& rocks, const RecentCounts::Stalls& stalls);
// Keys may be people's: none is told that is not the reason why its partition lags.
void write_hottest(JsonWriter& json, const PartitionSeen& seen,
                   const std::optional<HotKey>& hottest);
void write_append_times(JsonWriter& json, const std::optional<RecentTimes::Seen>& seen);
// Of the file system that the folder is on.
void write_disk(JsonWriter& json, const std::filesystem::path& folder);
// An object, without a name.
void write_kafka(JsonWriter& json, const KafkaVitals& kafka);

}  // namespace sluice
