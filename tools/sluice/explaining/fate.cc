#include "tools/sluice/explaining/fate.h"

#include <algorithm>

#include "projectors/engine/fold/fold_watch.h"
#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/fold/key_store.h"
#include "storage/base/partitioner.h"
#include "storage/postgres/connection.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/records/partition_records.h"

namespace sluice {
namespace {

constexpr std::string_view kIdReused = "event.id_reused";

// One look at the view.
class Look {
 public:
  Look(const std::string& postgres, const FoundRecord& record)
      : connection_(postgres),
        where_{std::string(record.domain.name), std::to_string(record.partition.value),
               std::to_string(record.offset.value)} {
    connection_.connect();
    connection_.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }

  [[nodiscard]] std::optional<Fate> waiting(const FoundRecord& record) {
    const PgResult found = connection_.run(
        "SELECT position, trouble FROM sluice.freshness WHERE projection = $1 "
        "AND partition = $2::integer",
        {where_[0], where_[1]});
    const bool known = found.rows() > 0 && !found.null(0, 0);
    const std::int64_t position = known ? found.number(0, 0) : 0;
    if (record.offset.value < position) return std::nullopt;
    Fate fate{"waiting"};
    if (!known) {
      fate.reason = "no process has projected it yet";
    } else if (!found.null(0, 1) && !found.text(0, 1).empty()) {
      fate.reason = std::string(found.text(0, 1));
    }
    if (record.offset.value > position) fate.of = position;
    return fate;
  }

  [[nodiscard]] std::optional<Fate> quarantined() {
    const PgResult found = connection_.run(
        "SELECT q.reason, f.position FROM sluice.quarantine q "
        "JOIN sluice.projection g USING (projection, generation) LEFT JOIN LATERAL "
        "(SELECT min(w.position) AS position FROM sluice.quarantine w "
        "WHERE w.projection = q.projection AND w.generation = q.generation "
        "AND w.partition = q.partition AND w.key = q.key AND w.parks_key) AS f ON q.parks_key "
        "WHERE g.live AND q.projection = $1 AND q.partition = $2::integer "
        "AND q.position = $3::bigint",
        where_);
    if (found.rows() == 0) return std::nullopt;
    Fate fate{"quarantined", std::string(found.text(0, 0))};
    if (!found.null(0, 1) && std::to_string(found.number(0, 1)) != where_[2]) {
      fate.of = found.number(0, 1);
    }
    return fate;
  }

  [[nodiscard]] std::optional<Fate> rejected() {
    const PgResult found = connection_.run(
        "SELECT r.reason FROM sluice.rejection r JOIN sluice.projection g "
        "USING (projection, generation) WHERE g.live AND projection = $1 "
        "AND partition = $2::integer AND position = $3::bigint",
        where_);
    if (found.rows() == 0) return std::nullopt;
    return Fate{"rejected", std::string(found.text(0, 0))};
  }

  // The last decision on the record: its kind, and it in words; "", "" without one.
  [[nodiscard]] std::pair<std::string, std::string> decided() {
    const PgResult found = connection_.run(
        "SELECT kind, kind || 'ed at offset ' || "
        "d.position || CASE WHEN who = '' THEN '' ELSE ' by ' || who END || "
        "CASE WHEN why = '' THEN '' ELSE ': ' || why END FROM sluice.decision d "
        "JOIN sluice.projection g USING (projection, generation) WHERE g.live "
        "AND projection = $1 AND partition = $2::integer AND \"offset\" = $3::bigint "
        "AND kind <> 'release' ORDER BY d.position DESC LIMIT 1",
        where_);
    if (found.rows() == 0) return {};
    return {std::string(found.text(0, 0)), std::string(found.text(0, 1))};
  }

 private:
  PgConnection connection_;
  const std::vector<std::string> where_;  // projection, partition, offset
};

// nullopt: no fold of its key meets the record.
std::optional<FoldWatch> watched(const KeySources& sources, const FoundRecord& record) {
  const Projection projection = projections_of({&record.domain, 1}).at(0);
  const Generation generation = own_live_generation(sources.postgres, projection);
  if (record.key.empty() || partition_of(record.key, generation.partitions) != record.partition) {
    return std::nullopt;
  }
  const KeyPlace place{projection, generation, record.partition, record.key};
  ViewedKey viewed(place, sources);
  Postings postings = viewed.find_history().postings;
  const Offset position = viewed.view().position;
  std::erase_if(postings, [&](const Posting& posting) { return posting.offset >= position; });
  PartitionRecords records(sources.log, stream_of(record.domain.name), record.partition);
  KeyStore store;
  KeyRefold refold(projection, generation, record.partition, record.key, store);
  FoldWatch watch(record.offset, record.key, record.envelope);
  refold.whole().watch(watch);
  refold.fold(postings, [&](Offset offset) { return records.at(offset); });
  return watch;
}

std::optional<std::int64_t> number_of(const std::optional<Offset>& offset) {
  return offset ? std::optional(offset->value) : std::nullopt;
}

// It was folded, or waited and does so no longer.
Fate settled(const KeySources& sources, const FoundRecord& record, Look& look) {
  const auto [kind, words] = look.decided();
  const auto watch = watched(sources, record);
  if (watch && watch->came == FoldWatch::Came::repeated) {
    return {"duplicate", {}, number_of(watch->counted)};
  }
  if (watch && watch->came == FoldWatch::Came::folded) {
    return {"visible", kind == "edit" ? std::optional(words) : std::nullopt};
  }
  if (kind == "discard") return {"rejected", words};
  return {"rejected", "taken while it waited, by the deletion of whom it was of"};
}

}  // namespace

Fate fate_of(const KeySources& sources, const FoundRecord& record) {
  Look look(sources.postgres, record);
  if (auto fate = look.waiting(record)) return *fate;
  if (auto fate = look.quarantined()) return *fate;
  if (auto fate = look.rejected()) {
    if (fate->reason == kIdReused) {
      if (const auto watch = watched(sources, record)) fate->of = number_of(watch->counted);
    }
    return *fate;
  }
  if (record.envelope.has_control()) return {"visible"};
  return settled(sources, record, look);
}

}  // namespace sluice
