#include "tools/sluice/node/key_answers.h"

#include <simdjson.h>

#include <chrono>
#include <limits>

#include "projectors/engine/fold/state_checkpoint.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/base/partitioner.h"
#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/records/packed_postings.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kToBegin{5000};
constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};

struct Wanted {
  std::string key;
  std::optional<Time> until;
};

Wanted wanted_by(const std::string& argument) {
  simdjson::dom::parser parser;
  simdjson::dom::element asked;
  std::string_view key;
  if (parser.parse(argument).get(asked) != simdjson::SUCCESS ||
      asked["key"].get(key) != simdjson::SUCCESS || key.empty()) {
    throw Misconfigured("the argument is {\"key\": text}");
  }
  Wanted wanted{std::string(key), std::nullopt};
  std::int64_t until = 0;
  if (asked["until"].get(until) == simdjson::SUCCESS) {
    wanted.until = Time{std::chrono::milliseconds(until)};
  }
  return wanted;
}

std::string without_index() {
  return JsonWriter().begin_object().field("index", false).end_object().take();
}

std::string index_of(StateStore& store, const Wanted& wanted) {
  const std::optional<StateCheckpoint> head = stored_checkpoint(store);
  if (!head || !head->key_index()) return without_index();
  const ScanState scan = [&](std::string_view from, std::string_view to) {
    return store.scan(from, to);
  };
  const Postings postings = postings_of(scan, wanted.key, kAll);
  if (postings.size() > kPostingsInAnswer) {
    throw Misconfigured("the key has too many records to be told: its partition is read instead");
  }
  JsonWriter json;
  json.begin_object().field("index", true).field("position", head->position());
  // Beyond what JSON's numbers surely hold.
  json.field("digest", std::to_string(head->digest())).field("postings", packed(postings));
  if (wanted.until) {
    if (const auto mark = last_mark_not_after(scan, *wanted.until)) {
      json.name("mark").begin_array().number(mark->offset.value);
      json.number(mark->before.time_since_epoch().count()).end_array();
    }
  }
  return json.end_object().take();
}

OwnerAnswer index_answer(Workers& workers) {
  return [&workers](const OwnerRequest& request, const std::stop_token&) {
    const Wanted wanted = wanted_by(request.argument);
    std::optional<std::string> answer;
    const Errands::Work work = [&](OwnedPartition& owned) {
      answer = index_of(owned.store, wanted);
    };
    (void)workers.errands().ask(request.place, work, kToBegin);
    return answer;
  };
}

// Another partition's key has its records there: here it would be repaired to nothing.
void require_own(Log& log, const ErrandPlace& place, const std::string& key) {
  const auto partitions = log.topology()->partitions(stream_of(place.projection));
  if (!partitions) throw Retryable("the log has no topic of " + place.projection + " now");
  const Partition own = partition_of(key, *partitions);
  if (own == place.partition) return;
  throw Misconfigured("the key belongs to partition " + std::to_string(own.value) + ", not to " +
                      std::to_string(place.partition.value));
}

OwnerAnswer repair_answer(Log& log) {
  return [&log](const OwnerRequest& request, const std::stop_token&) {
    const Wanted wanted = wanted_by(request.argument);
    require_own(log, request.place, wanted.key);
    const std::string token = append_repair(
        log, {request.id, request.place.projection, request.place.partition, wanted.key});
    return std::optional(JsonWriter().begin_object().field("token", token).end_object().take());
  };
}

}  // namespace

void add_key_kinds(OwnerKinds& kinds, Workers& workers, Log& log) {
  kinds.of_partition.emplace("key.index", index_answer(workers));
  kinds.of_partition.emplace("key.repair", repair_answer(log));
}

}  // namespace sluice
