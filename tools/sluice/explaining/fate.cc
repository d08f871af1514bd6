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

struct Decided {
  Offset position;  // its own
  std::string kind;
  std::string words;
};

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

  // What was decided on the record, the last first.
  [[nodiscard]] std::vector<Decided> decided() {
    const PgResult found = connection_.run(
        "SELECT d.position, kind, kind || 'ed at offset ' || "
        "d.position || CASE WHEN who = '' THEN '' ELSE ' by ' || who END || "
        "CASE WHEN why = '' THEN '' ELSE ': ' || why END FROM sluice.decision d "
        "JOIN sluice.projection g USING (projection, generation) WHERE g.live "
        "AND projection = $1 AND partition = $2::integer AND \"offset\" = $3::bigint "
        "AND kind <> 'release' ORDER BY d.position DESC",
        where_);
    std::vector<Decided> all;
    for (int row = 0; row < found.rows(); ++row) {
      all.push_back({Offset{found.number(row, 0)}, std::string(found.text(row, 1)),
                     std::string(found.text(row, 2))});
    }
    return all;
  }

 private:
  PgConnection connection_;
  const std::vector<std::string> where_;  // projection, partition, offset
};

// What a fold of the record's key alone tells of it, and the index by which it was folded: that is
// of the rules which made what readers see, also where they are others than this program's.
struct Watched {
  FoldWatch watch;
  Postings postings;
  bool by_other_rules = false;

  // Null: the index has none.
  [[nodiscard]] const Posting* posting_at(Offset offset) const {
    const auto found = std::ranges::find_if(postings, [&](const Posting& p) {
      return p.offset == offset && p.kind != Posting::Kind::fired;
    });
    return found == postings.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool had_effect(const Decided& decided) const {
    const Posting* const posting = posting_at(decided.position);
    return posting == nullptr || !posting->duplicate;
  }
  [[nodiscard]] FoldWatch::Came came() const {
    const Posting* const posting = posting_at(watch.offset);
    const bool waited = posting == nullptr || posting->kind == Posting::Kind::still;
    if (waited || !by_other_rules) return watch.came;
    return posting->duplicate ? FoldWatch::Came::repeated : FoldWatch::Came::folded;
  }
};

// nullopt: no fold of its key meets the record.
std::optional<Watched> watched(const KeySources& sources, const FoundRecord& record) {
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
  std::optional<Watched> told(
      Watched{FoldWatch(record.offset, record.key, record.envelope), std::move(postings)});
  refold.whole().watch(told->watch);
  refold.fold(told->postings, [&](Offset offset) { return records.at(offset); });
  told->by_other_rules = refold.by_other_rules();
  return told;
}

std::optional<std::int64_t> number_of(const std::optional<Offset>& offset) {
  return offset ? std::optional(offset->value) : std::nullopt;
}

// It was folded, or waited and does so no longer.
Fate settled(const KeySources& sources, const FoundRecord& record, Look& look) {
  const std::vector<Decided> all = look.decided();
  const auto told = watched(sources, record);
  const auto last = std::ranges::find_if(
      all, [&](const Decided& decided) { return !told || told->had_effect(decided); });
  const bool other_rules = told && told->by_other_rules;
  if (last != all.end() && last->kind == "discard") {
    return {"rejected", last->words, {}, other_rules};
  }
  if (told && told->came() == FoldWatch::Came::repeated) {
    return {"duplicate", {}, number_of(told->watch.counted), other_rules};
  }
  if (told && told->came() == FoldWatch::Came::folded) {
    const bool edited = last != all.end();
    return {"visible", edited ? std::optional(last->words) : std::nullopt, {}, other_rules};
  }
  return {"rejected", "taken while it waited, by the deletion of whom it was of", {}, other_rules};
}

}  // namespace

Fate fate_of(const KeySources& sources, const FoundRecord& record) {
  Look look(sources.postgres, record);
  if (auto fate = look.waiting(record)) return *fate;
  if (auto fate = look.quarantined()) return *fate;
  if (auto fate = look.rejected()) {
    if (fate->reason == kIdReused) {
      if (const auto told = watched(sources, record)) fate->of = number_of(told->watch.counted);
    }
    return *fate;
  }
  if (record.envelope.has_control()) return {"visible"};
  return settled(sources, record, look);
}

}  // namespace sluice
