#include "tools/sluice/quarantine/preview.h"

#include <algorithm>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/replay/report.h"

namespace sluice {
namespace {

// The key as its records make it up to the view's position, and the decision at that position.
std::vector<KeyDifference> differences_by(const KeySources& sources,
                                          const QuarantineDecision& decision) {
  const Domain domain = choose_domains({decision.projection}).front();
  const Projection projection = projections_of({&domain, 1}).at(0);
  const Generation generation = own_live_generation(sources.postgres, projection);
  const KeyPlace place{projection, generation, decision.partition, decision.key};
  Envelope envelope = decision_record(sources.log, decision);
  envelope.set_id(random_id());
  const Time now = sources.log.now();
  envelope.set_recorded_at(now.time_since_epoch().count());
  const std::string value = envelope.SerializeAsString();

  ViewedKey viewed(place, sources);
  Postings postings = viewed.find_history().postings;
  const Offset position = viewed.view().position;
  std::erase_if(postings, [&](const Posting& posting) { return posting.offset >= position; });
  PartitionRecords records(sources.log, stream_of(domain.name), place.partition);
  ReplayedKey replayed(place);
  replayed.fold(postings, records, nullptr);
  viewed.begin_comparison(replayed, records, nullptr);
  replayed.fold_next({place.partition, viewed.view().position, now, place.key, value},
                     viewed.rows().record_time(place.partition));
  // In the state that readers see the record waits.
  if (replayed.repeated()) {
    throw Misconfigured("what the decision would change is not to be told: " +
                        told_of_other_rules(decision.projection));
  }
  return viewed.differences(domain, replayed);
}

}  // namespace

std::string preview_of(const KeySources& sources, const QuarantineDecision& decision,
                       const QuarantinedPlace& place) {
  JsonWriter json;
  json.begin_object();
  // What parks no key has made no row wait.
  write_differences(
      json, place.parks_key ? differences_by(sources, decision) : std::vector<KeyDifference>{});
  return json.end_object().take();
}

}  // namespace sluice
