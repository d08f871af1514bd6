#include "tools/sluice/quarantine/direct.h"

#include <cstdio>

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/node/idle_folder.h"
#include "tools/sluice/records/logged_record.h"

namespace sluice {
namespace {

constexpr std::uint64_t kLogBytes = std::uint64_t{32} << 20;

// nullopt: Postgres does not answer.
std::optional<QuarantinedPlace> ask_postgres(const std::string& url, Verdict verdict,
                                             const QuarantineQuery& query) {
  if (url.empty()) return std::nullopt;
  try {
    PgConnection postgres(url);
    return find_decided(postgres, verdict, query);
  } catch (const Retryable& away) {
    std::fprintf(stderr, "Not checked against quarantine: %s\n", away.what());
    return std::nullopt;
  }
}

// Where the record must be, as far as the log tells.
QuarantinedPlace ask_log(Log& log, Verdict verdict, const QuarantineQuery& query) {
  const std::string stream = stream_of(query.projection);
  const auto topology = log.topology();
  const int partitions = partitions_of(*topology, stream);
  QuarantinedPlace place{.partition = query.partition.value_or(Partition{0}),
                         .offset = query.offset.value_or(Offset{0}),
                         .key = query.key.value_or("")};
  if (!query.partition) place.partition = partition_of(*query.key, partitions);
  const LogRange range = topology->range(stream, place.partition);
  if (verdict == Verdict::release) {
    if (place.partition != partition_of(place.key, partitions)) {
      throw Misconfigured("nothing waits under key \"" + place.key + "\" in partition " +
                          std::to_string(place.partition.value) +
                          ", which is not the key's: post its event again, then discard it");
    }
    // With an offset the record is read, and its key is compared, when the decision is made.
    place.aged_out = query.offset.has_value();
    return place;
  }
  if (place.offset < Offset{0} && !query.key) {
    throw Misconfigured(
        "below 0 is a timer that waits, whose number says nothing of its key: give "
        "--key, or --postgres while Postgres answers");
  }
  // What retention has taken can only be decided on unseen.
  if (place.offset < range.begin) return place;
  const LoggedRecord record = logged_record(log, {stream, place.partition, place.offset});
  const std::string key = key_of(record.key, record.value);
  if (query.key && key != *query.key) {
    throw Misconfigured("the record at " + std::to_string(place.offset.value) + " of partition " +
                        std::to_string(place.partition.value) + " is of another key, \"" + key +
                        "\": one that was misrouted stands in another partition, say it by "
                        "--partition");
  }
  if (verdict == Verdict::edit && place.partition != partition_of(key, partitions)) {
    throw Misconfigured("the record at " + std::to_string(place.offset.value) + " of partition " +
                        std::to_string(place.partition.value) +
                        " cannot be folded where it stands: post its event, then discard it");
  }
  place.key = key;
  return place;
}

}  // namespace

std::string decide_directly(const LogOptions& options, const std::string& postgres,
                            QuarantineDecision decision, const QuarantineQuery& query) {
  const auto folder = options.data.empty() ? nullptr : idle_folder(options.data);
  const auto log = folder ? own_embedded_log(options.data, kLogBytes) : look_at_log(options);
  auto place = ask_postgres(postgres, decision.verdict, query);
  if (!place) place = ask_log(*log, decision.verdict, query);
  decision.id = random_id();
  locate(decision, *place);
  return append_decision(*log, decision);
}

}  // namespace sluice
