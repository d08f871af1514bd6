#include "tools/sluice/quarantine/quarantined.h"

#include <vector>

#include "storage/base/errors.h"
#include "storage/postgres/copy_text.h"

namespace sluice {
namespace {

constexpr std::size_t kNamed = 5;
constexpr const char* kList = "sluice quarantine list says what is there";

std::string text(Partition partition) { return std::to_string(partition.value); }
std::string text(Offset offset) { return std::to_string(offset.value); }

// In the order of the log, at most `most`.
std::vector<QuarantinedPlace> find(PgConnection& postgres, const QuarantineQuery& query,
                                   std::size_t most) {
  std::string sql =
      "SELECT q.partition, q.position, q.key, q.parks_key, "
      "q.bytes IS NULL AND NOT q.beyond_limit FROM sluice.quarantine "
      "q "
      "JOIN sluice.projection g USING (projection, generation) WHERE g.live AND q.projection = $1";
  std::vector<std::string> parameters{query.projection};
  const auto where = [&](const std::string& condition, const std::string& value) {
    parameters.push_back(value);
    sql += " AND " + condition + std::to_string(parameters.size());
  };
  if (query.partition) where("q.partition = $", text(*query.partition));
  if (query.key) where("q.key = $", storable_text(*query.key));
  if (query.offset) where("q.position = $", text(*query.offset));
  const PgResult result = postgres.run(
      sql + " ORDER BY q.partition, q.position LIMIT " + std::to_string(most), parameters);
  std::vector<QuarantinedPlace> places;
  for (int row = 0; row < result.rows(); ++row) {
    places.push_back({.partition = Partition{static_cast<int>(result.number(row, 0))},
                      .offset = Offset{result.number(row, 1)},
                      .key = std::string(result.text(row, 2)),
                      .parks_key = result.text(row, 3) == "t",
                      .aged_out = result.text(row, 4) == "t"});
  }
  return places;
}

// How many records wait where this one does.
QuarantinedPlace counted(PgConnection& postgres, const std::string& projection,
                         QuarantinedPlace place) {
  if (!place.parks_key) return place;
  place.waiting = postgres
                      .run(
                          "SELECT count(*) FROM sluice.quarantine q JOIN sluice.projection g "
                          "USING (projection, generation) WHERE g.live AND q.projection = $1 AND "
                          "q.partition = $2 AND q.key = $3 AND q.parks_key AND q.position >= 0",
                          {projection, text(place.partition), place.key})
                      .number(0, 0);
  return place;
}

// "partition 2 offset 17 (misrouted ...)".
std::string named(const std::vector<QuarantinedPlace>& places) {
  std::string names;
  for (std::size_t i = 0; i < places.size() && i < kNamed; ++i) {
    names += (i > 0 ? ", " : "") + ("partition " + text(places[i].partition)) + " offset " +
             text(places[i].offset);
  }
  return names + (places.size() > kNamed ? ", ..." : "");
}

std::string in_words(const QuarantineQuery& query) {
  std::string words = query.projection;
  if (query.key) words += " key \"" + *query.key + "\"";
  if (query.partition) words += " partition " + text(*query.partition);
  if (query.offset) words += " offset " + text(*query.offset);
  return words;
}

// Misconfigured: nothing is there. Says what is under the same key.
[[noreturn]] void refuse(PgConnection& postgres, const QuarantineQuery& query) {
  std::vector<QuarantinedPlace> near;
  if (query.key) near = find(postgres, {query.projection, {}, query.key, {}}, kNamed + 1);
  throw Misconfigured("nothing is in quarantine at " + in_words(query) + ": " +
                      (near.empty() ? kList : "of this key there is " + named(near)));
}

}  // namespace

QuarantinedPlace find_discarded(PgConnection& postgres, const QuarantineQuery& query) {
  const auto found = find(postgres, query, 2);
  if (found.empty()) refuse(postgres, query);
  if (found.size() > 1) {
    throw Misconfigured("more than one record is in quarantine at " + in_words(query) + ": " +
                        named(found) + "; say which by --partition and --offset");
  }
  return counted(postgres, query.projection, found.front());
}

QuarantinedPlace find_edited(PgConnection& postgres, const QuarantineQuery& query) {
  QuarantinedPlace place = find_discarded(postgres, query);
  if (!place.parks_key) {
    throw Misconfigured("what is in quarantine at " + in_words(query) +
                        " cannot be folded where it stands: post its event, then discard it");
  }
  if (place.offset >= Offset{0}) return place;
  throw Misconfigured("at " + in_words(query) +
                      " a timer waits, which no event takes the place of: release or discard it");
}

QuarantinedPlace find_released(PgConnection& postgres, const QuarantineQuery& query) {
  const auto found = find(postgres, {query.projection, query.partition, query.key, {}}, kNamed + 1);
  if (found.empty()) refuse(postgres, query);
  for (const QuarantinedPlace& place : found) {
    if (!place.parks_key) continue;
    if (query.offset && *query.offset != place.offset) {
      throw Misconfigured("offset " + text(*query.offset) +
                          " is not the first record that waits "
                          "under " +
                          in_words({query.projection, query.partition, query.key, {}}) +
                          ": that is offset " + text(place.offset));
    }
    return counted(postgres, query.projection, place);
  }
  throw Misconfigured("what is in quarantine at " + in_words(query) + " (" + named(found) +
                      ") cannot be folded where it stands: post its event again, then discard it");
}

QuarantinedPlace find_decided(PgConnection& postgres, Verdict verdict,
                              const QuarantineQuery& query) {
  switch (verdict) {
    case Verdict::release:
      return find_released(postgres, query);
    case Verdict::discard:
      return find_discarded(postgres, query);
    case Verdict::edit:
      return find_edited(postgres, query);
  }
  return {};
}

void locate(QuarantineDecision& decision, const QuarantinedPlace& place) {
  decision.partition = place.partition;
  decision.key = place.key;
  decision.waiting = place.waiting;
  const bool says_offset = decision.verdict != Verdict::release || place.aged_out;
  decision.offset = says_offset ? std::optional(place.offset) : std::nullopt;
}

}  // namespace sluice
