#include "tools/sluice/node/vitals.h"

#include <algorithm>

#include "storage/base/json_writer.h"
#include "tools/sluice/cli/version.h"
#include "tools/sluice/node/computation_metrics.h"
#include "tools/sluice/node/http_limits.h"
#include "tools/sluice/node/projector_metrics.h"
#include "tools/sluice/node/vitals_json.h"

namespace sluice {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

double real(std::uint64_t value) { return static_cast<double>(value); }

void add_kafka_metrics(const KafkaVitals& kafka, MetricFamilies& families) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    add_gauge(families, name, help, value);
  };
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    add_counter(families, name, help, real(value));
  };
  gauge("sluice_kafka_brokers", "Brokers that readers know of", real(kafka.brokers));
  gauge("sluice_kafka_brokers_up", "Brokers to which a reader's connection stands",
        real(kafka.brokers_up));
  gauge("sluice_kafka_round_trip_seconds", "Mean round trip to the slowest broker",
        kafka.round_trip_seconds);
  gauge("sluice_kafka_throttled_seconds", "Longest mean time that a broker put off its answers",
        kafka.throttled_seconds);
  gauge("sluice_kafka_fetched_records", "Records fetched that wait to be folded",
        real(kafka.fetched_records));
  gauge("sluice_kafka_fetched_bytes", "Bytes fetched that wait to be folded",
        real(kafka.fetched_bytes));
  counter("sluice_kafka_received_bytes_total", "Bytes that readers received", kafka.received_bytes);
  counter("sluice_kafka_sent_bytes_total", "Bytes that readers sent", kafka.sent_bytes);
  counter("sluice_kafka_request_timeouts_total", "Requests of readers that had no answer in time",
          kafka.request_timeouts);
  counter("sluice_kafka_request_errors_total", "Requests and answers of readers that failed",
          kafka.request_errors);
  counter("sluice_kafka_disconnects_total", "Connections of readers that ended", kafka.disconnects);
}

void add_postgres_metrics(const PostgresVitals& postgres, MetricFamilies& families) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    add_gauge(families, name, help, value);
  };
  const auto counter = [&](const char* name, const char* help, std::int64_t value) {
    add_counter(families, name, help, static_cast<double>(value));
  };
  gauge("sluice_postgres_connections", "Connections of all clients to the server",
        static_cast<double>(postgres.connections));
  gauge("sluice_postgres_connections_max", "Connections that the server takes",
        static_cast<double>(postgres.connections_max));
  gauge("sluice_postgres_oldest_transaction_seconds",
        "Age of the oldest transaction in the database", postgres.oldest_transaction_seconds);
  if (postgres.cached) {
    gauge("sluice_postgres_cache_hit_ratio", "Part of the blocks that the server had in its cache",
          *postgres.cached);
  }
  counter("sluice_postgres_committed_transactions_total", "Transactions of the database committed",
          postgres.committed);
  counter("sluice_postgres_rolled_back_transactions_total",
          "Transactions of the database rolled back", postgres.rolled_back);
  counter("sluice_postgres_deadlocks_total", "Deadlocks in the database", postgres.deadlocks);
  counter("sluice_postgres_temporary_bytes_total",
          "Bytes of temporary files that the database's queries wrote", postgres.temporary_bytes);
}

}  // namespace

void add_build_info(MetricFamilies& families) {
  MetricFamily info = gauge_family("sluice_build_info", "1, with the version of the program");
  info.add({{"version", program_version()}}, 1);
  std::move(info).move_to(families);
}

Vitals::Vitals(VitalsConfig config, const Workers& workers, Log& log)
    : config_(std::move(config)), workers_(workers), log_(log) {}

void Vitals::heard_of_postgres(const std::optional<PostgresVitals>& vitals, Clock::duration took) {
  const MutexLock lock(mutex_);
  const std::optional<PostgresVitals> last = vitals || !postgres_ ? vitals : postgres_->vitals;
  postgres_ = Postgres{vitals.has_value(), seconds(took), last};
}

Vitals::Memory Vitals::memory() const {
  std::uint64_t dirty = 0;
  std::uint64_t rows = 0;
  std::uint64_t dedupe = 0;
  for (const PartitionSeen& seen : partitions_seen(workers_.probe(), log_.now())) {
    dirty += seen.dirty_bytes;
    rows += seen.row_bytes;
    dedupe += seen.dedupe_bytes;
  }
  return {.number = config_.memory,
          .resident = resident_bytes(),
          .parts = {{"http", config_.http_bytes()},
                    {"log", log_.used_bytes()},
                    {"state", workers_.rocks().used_bytes},
                    {"dedupe", dedupe},
                    {"dirty_rows", dirty},
                    {"row_cache", rows - std::min(dirty, rows)},
                    {"orders", workers_.order_bytes()}}};
}

std::optional<KafkaVitals> Vitals::kafka() {
  const std::vector<std::string> statistics = log_.kafka_statistics();
  const MutexLock lock(mutex_);
  return kafka_.add(statistics);
}

std::optional<Vitals::Postgres> Vitals::postgres() const {
  const MutexLock lock(mutex_);
  return postgres_;
}

std::string Vitals::partitions_json() {
  const Clock::time_point now = Clock::now();
  const double since = std::max(seconds(now - asked_), 1e-3);
  asked_ = now;
  std::map<std::string, std::uint64_t> before = std::move(records_);
  records_.clear();
  const auto counts = workers_.probe().counts();
  JsonWriter json;
  json.begin_array();
  for (const PartitionSeen& seen : partitions_seen(workers_.probe(), log_.now())) {
    const std::string label = label_of(seen);
    const auto found = counts.find(label);
    if (found == counts.end()) continue;
    const PartitionCounts& count = found->second;
    records_[label] = count.records;
    const auto last = before.find(label);
    json.begin_object().field("projection", seen.projection);
    json.field("partition", seen.partition.value).field("generation", seen.generation);
    json.field("owner", seen.owner).name("events_a_second");
    last == before.end() ? json.null() : json.real(real(count.records - last->second) / since);
    json.field("dirty_rows", seen.dirty_rows).field("dirty_bytes", seen.dirty_bytes);
    json.name("flush_seconds");
    count.flush_seconds.count() > 0 ? json.real(seconds(count.last_flush)) : json.null();
    write_hottest(json, seen, count.hottest);
    write_began(json, count.began);
    json.end_object();
  }
  return json.end_array().take();
}

std::string Vitals::json() {
  const Memory held = memory();
  JsonWriter json;
  json.begin_object().name("memory").begin_object();
  json.field("number", held.number).field("resident", held.resident);
  for (const auto& [part, bytes] : held.parts) json.field(part, bytes);
  json.end_object().name("partitions").json(partitions_json());
  const Clock::time_point now = Clock::now();
  write_paces(json, now);
  write_unsettled(json, recent_.unsettled(now, workers_.probe().counts()));
  const RocksVitals rocks = workers_.rocks();
  write_rocksdb(json, rocks, recent_.stalls(now, rocks));
  json.name("kafka");
  if (const auto told = kafka()) {
    write_kafka(json, *told);
  } else {
    json.null();
  }
  json.name("postgres");
  if (const auto told = postgres()) {
    json.begin_object().field("answers", told->answers);
    json.name("answer_seconds").real(told->answer_seconds);
    if (told->vitals) write_postgres(json, *told->vitals);
    json.end_object();
  } else {
    json.null();
  }
  write_machine(json);
  return json.end_object().take();
}

void Vitals::write_paces(JsonWriter& json, Clock::time_point now) {
  std::map<std::pair<std::string, int>, std::map<std::int32_t, std::int64_t>> folded;
  for (const PartitionSeen& seen : partitions_seen(workers_.probe(), log_.now())) {
    if (!seen.folded) continue;
    folded[{seen.projection, seen.generation}][seen.partition.value] = seen.folded->value;
  }
  std::erase_if(paces_, [&](const auto& each) { return !folded.contains(each.first); });
  for (const GenerationSeen& each : workers_.generations()) {
    const auto found = folded.find({each.projection, each.number});
    if (found != folded.end()) paces_[found->first].at(now, found->second, each.share);
  }
  json.name("paces").begin_array();
  for (const auto& [of, pace] : paces_) {
    const auto speed = pace.events_a_second();
    if (!speed) continue;
    json.begin_object().field("projection", of.first).field("generation", of.second);
    json.name("events_a_second").real(*speed).end_object();
  }
  json.end_array();
}

void Vitals::write_machine(JsonWriter& json) {
  write_append_times(json, log_.append_times());
  write_disk(json, config_.data);
  static_cast<void>(clock_.now());
  json.name("clock").begin_object();
  json.name("jumped_seconds").real(seconds(clock_.jumped())).end_object();
  json.field("folder", config_.folder).field("command", config_.command).name("brokers");
  config_.brokers.empty() ? json.null() : json.text(config_.brokers);
  json.name("rules").begin_object();
  for (const auto& [projection, version] : config_.rules) json.field(projection, version);
  json.end_object().name("waits").begin_object();
  for (const auto& [projection, why] : config_.waits()) json.field(projection, why);
  json.end_object().field("snapshots", config_.snapshots()).name("empty").begin_array();
  for (const std::string& domain : config_.empty_streams()) json.text(domain);
  json.end_array();
}

void Vitals::add_metrics(MetricFamilies& families) {
  add_projector_metrics(workers_.probe(), workers_.unowned(), workers_.generations(), log_.now(),
                        families);
  add_computation_metrics(workers_.computations(), families);
  const Memory held = memory();
  MetricFamily bytes = gauge_family(
      "sluice_memory_bytes",
      "Bytes held, by part; resident: by the whole process; number: what --memory says");
  bytes.add({{"part", "number"}}, real(held.number));
  bytes.add({{"part", "resident"}}, real(held.resident));
  for (const auto& [part, held_bytes] : held.parts) bytes.add({{"part", part}}, real(held_bytes));
  std::move(bytes).move_to(families);
  const RocksVitals rocks = workers_.rocks();
  add_gauge(families, "sluice_rocksdb_file_bytes", "Bytes of state on disk",
            real(rocks.file_bytes));
  add_gauge(families, "sluice_rocksdb_pending_compaction_bytes",
            "Bytes of state that compaction has to rewrite", real(rocks.pending_compaction_bytes));
  add_gauge(families, "sluice_rocksdb_stopped_stores",
            "Partitions whose state takes no writes until compaction comes after",
            real(rocks.stopped));
  if (const auto told = kafka()) add_kafka_metrics(*told, families);
  const auto told = postgres();
  add_gauge(families, "sluice_postgres_up", "Whether Postgres answered when it was last asked",
            told && told->answers ? 1 : 0);
  if (!told) return;
  add_gauge(families, "sluice_postgres_answer_seconds",
            "How long Postgres took to answer when it was last asked", told->answer_seconds);
  if (told->vitals) add_postgres_metrics(*told->vitals, families);
}

}  // namespace sluice
