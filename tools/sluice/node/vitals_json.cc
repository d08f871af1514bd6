#include "tools/sluice/node/vitals_json.h"

#include <system_error>

namespace sluice {
namespace {

// Of a partition that lags: a key with so much of it is why other cores cannot help.
constexpr double kHotShare = 0.5;
constexpr std::uint64_t kLeastSampled = 64;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void write_postgres(JsonWriter& json, const PostgresVitals& postgres) {
  json.field("version", postgres.version).field("replica", postgres.replica);
  json.field("connections", postgres.connections);
  json.field("connections_max", postgres.connections_max);
  json.field("committed", postgres.committed).field("rolled_back", postgres.rolled_back);
  json.field("deadlocks", postgres.deadlocks).field("temporary_bytes", postgres.temporary_bytes);
  json.name("cache_hit_ratio");
  postgres.cached ? json.real(*postgres.cached) : json.null();
  json.name("oldest_transaction_seconds").real(postgres.oldest_transaction_seconds);
  json.name("clock_ahead_seconds").real(postgres.clock_ahead_seconds);
}

void write_began(JsonWriter& json, const Recovery& began) {
  json.name("began").begin_object().field("from", word(began.from));
  json.field("position", began.position.value).field("records", began.records);
  json.name("seconds");
  began.took ? json.real(seconds(*began.took)) : json.null();
  json.name("refused").begin_array();
  for (const RefusedSnapshot& each : began.refused) {
    json.begin_object().field("path", each.path).field("fault", word(each.fault)).end_object();
  }
  json.end_array().end_object();
}

void write_rocksdb(JsonWriter& json, const RocksVitals& rocks, const RecentCounts::Stalls& stalls) {
  json.name("rocksdb").begin_object().field("stores", rocks.stores);
  json.field("used_bytes", rocks.used_bytes).field("memtable_bytes", rocks.memtable_bytes);
  json.field("file_bytes", rocks.file_bytes);
  json.field("pending_compaction_bytes", rocks.pending_compaction_bytes);
  json.field("running_compactions", rocks.running_compactions);
  json.field("running_flushes", rocks.running_flushes);
  json.field("stopped", rocks.stopped).field("slowed", rocks.slowed);
  json.field("stopped_seconds", stalls.stopped_seconds);
  json.field("slowed_seconds", stalls.slowed_seconds).end_object();
}

void write_hottest(JsonWriter& json, const PartitionSeen& seen,
                   const std::optional<HotKey>& hottest) {
  json.name("hottest");
  const bool lags = seen.position && *seen.position < seen.log_end;
  if (!lags || !hottest || hottest->share < kHotShare || hottest->sampled < kLeastSampled) {
    json.null();
    return;
  }
  json.begin_object().field("key", hottest->key).name("share").real(hottest->share);
  json.field("sampled", hottest->sampled).end_object();
}

void write_append_times(JsonWriter& json, const std::optional<RecentTimes::Seen>& seen) {
  json.name("log");
  if (!seen) {
    json.null();
    return;
  }
  json.begin_object().field("appends", seen->times);
  json.name("append_seconds").real(seconds(seen->median));
  json.name("longest_append_seconds").real(seconds(seen->longest)).end_object();
}

void write_disk(JsonWriter& json, const std::filesystem::path& folder) {
  std::error_code failure;
  const auto space = std::filesystem::space(folder, failure);
  json.name("disk");
  if (failure) {
    json.null();
    return;
  }
  // As another process of the machine finds it.
  const std::string path = std::filesystem::absolute(folder).lexically_normal().string();
  json.begin_object().field("path", path).field("bytes", space.capacity);
  json.field("free_bytes", space.available).end_object();
}

void write_kafka(JsonWriter& json, const KafkaVitals& kafka) {
  json.begin_object().field("readers", kafka.readers).field("brokers", kafka.brokers);
  json.field("brokers_up", kafka.brokers_up);
  json.name("round_trip_seconds").real(kafka.round_trip_seconds);
  json.name("throttled_seconds").real(kafka.throttled_seconds);
  json.field("fetched_records", kafka.fetched_records).field("fetched_bytes", kafka.fetched_bytes);
  json.field("received_bytes", kafka.received_bytes).field("sent_bytes", kafka.sent_bytes);
  json.field("request_timeouts", kafka.request_timeouts);
  json.field("request_errors", kafka.request_errors).field("disconnects", kafka.disconnects);
  json.end_object();
}

}  // namespace sluice
