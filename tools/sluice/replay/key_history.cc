#include "tools/sluice/replay/key_history.h"

#include <simdjson.h>

#include <limits>

#include "projectors/engine/fold/state_checkpoint.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/rocksdb/rocks_state_reader.h"
#include "tools/sluice/asking/asking.h"
#include "tools/sluice/node/workers.h"
#include "tools/sluice/records/packed_postings.h"

namespace sluice {

KeyHistory history_in(const ScanState& scan, const KeyPlace& place, std::optional<Time> until) {
  KeyHistory history;
  history.postings = postings_of(scan, place.key, Offset{std::numeric_limits<std::int64_t>::max()});
  if (until) history.mark = last_mark_not_after(scan, *until);
  return history;
}

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

}  // namespace sluice
