#include "tools/sluice/replay/key_history.h"

#include <simdjson.h>

#include <limits>

#include "projectors/engine/fold/refold.h"
#include "projectors/engine/fold/state_checkpoint.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/rocksdb/rocks_state_reader.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/asking/asking.h"
#include "tools/sluice/node/workers.h"
#include "tools/sluice/records/packed_postings.h"
#include "tools/sluice/records/partition_records.h"
#include "tools/sluice/verification/scratch_folder.h"

namespace sluice {
namespace {

KeyHistory history_in(const ScanState& scan, const KeyPlace& place, std::optional<Time> until) {
  KeyHistory history;
  history.postings = postings_of(scan, place.key, Offset{std::numeric_limits<std::int64_t>::max()});
  if (until) history.mark = last_mark_not_after(scan, *until);
  return history;
}

}  // namespace

std::optional<KeyHistory> history_from_owner(PgConnection& postgres, const KeyPlace& place,
                                             std::optional<Time> until) {
  // A request has its key as text.
  if (!simdjson::validate_utf8(place.key.data(), place.key.size())) return std::nullopt;
  JsonWriter argument;
  argument.begin_object().field("key", place.key);
  if (until) argument.field("until", until->time_since_epoch().count());
  const Question question{.kind = "key.index",
                          .projection = std::string(place.projection.name),
                          .partition = place.partition,
                          .argument = argument.end_object().take()};
  const auto answer = ask_processes(postgres, {question}).front();
  if (!answer) return std::nullopt;
  simdjson::dom::parser parser;
  const simdjson::dom::element said = parser.parse(*answer);
  std::string_view packed_text;
  std::string_view digest;
  std::int64_t position = 0;
  if (said["postings"].get(packed_text) != simdjson::SUCCESS ||
      said["position"].get(position) != simdjson::SUCCESS ||
      said["digest"].get(digest) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  KeyHistory history;
  history.position = Offset{position};
  history.digest = Digest{std::stoull(std::string(digest))};
  history.postings = unpacked(packed_text);
  std::int64_t offset = 0;
  std::int64_t before = 0;
  if (said["mark"].at(0).get(offset) == simdjson::SUCCESS &&
      said["mark"].at(1).get(before) == simdjson::SUCCESS) {
    history.mark = TimeMark{Offset{offset}, Time{std::chrono::milliseconds(before)}};
  }
  return history;
}

std::optional<KeyHistory> history_from_state(const std::filesystem::path& data,
                                             const KeyPlace& place, std::optional<Time> until) {
  const auto folder = state_folder(data, place.generation, place.partition);
  if (!std::filesystem::exists(folder / "CURRENT")) return std::nullopt;
  const RocksStateReader state(folder);
  const auto head = stored_checkpoint(
      [&](std::string_view key, std::string& value) { return state.get(key, value); });
  if (!head || !head->key_index() || head->generation_id() != place.generation.unique_id ||
      head->version() != place.projection.version) {
    return std::nullopt;
  }
  KeyHistory history =
      history_in([&](std::string_view from, std::string_view to) { return state.scan(from, to); },
                 place, until);
  history.position = Offset{head->position()};
  history.digest = Digest{head->digest()};
  return history;
}

KeyHistory history_from_log(Log& log, const KeyPlace& place, Offset position,
                            std::optional<Time> until, const MemoryBudget& memory) {
  const ScratchFolder scratch({});
  const RocksResources resources(memory.state, 1);
  RocksStateStore store(scratch.path() / "partition", resources,
                        RocksStateStore::KeptThrough::shutdown);
  Refold refold(
      place.projection, place.generation, place.partition,
      {.rows = memory.dirty_rows + memory.row_cache, .filters = memory.dedupe, .key_index = true},
      store);
  PartitionRecords records(log, stream_of(place.projection.name), place.partition);
  while (refold.position() < position) {
    const auto record = records.from(refold.position());
    if (!record || record->offset >= position) {
      throw Corrupt("the log ends before " + std::to_string(position.value) +
                    ", up to where the view was folded: it lost its tail");
    }
    (void)refold.fold(*record);
  }
  refold.write_state();
  KeyHistory history =
      history_in([&](std::string_view from, std::string_view to) { return store.scan(from, to); },
                 place, until);
  history.index = false;
  history.position = refold.position();
  history.digest = refold.digest();
  return history;
}

}  // namespace sluice
