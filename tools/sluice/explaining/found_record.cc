#include "tools/sluice/explaining/found_record.h"

#include <algorithm>
#include <limits>
#include <map>

#include "projectors/engine/fold/open_record.h"
#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "storage/postgres/copy_text.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/records/partition_records.h"

namespace sluice {
namespace {

using google::protobuf::Message;

std::string type_of_payload(const Domain& domain, const std::string& payload) {
  const std::unique_ptr<Message> event(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(domain.event)->New());
  if (!event->ParseFromString(payload)) return {};
  const auto* fact =
      event->GetReflection()->GetOneofFieldDescriptor(*event, domain.event->oneof_decl(0));
  return fact == nullptr ? std::string() : type_of(*fact);
}

std::string type_in(const Domain& domain, const Envelope& envelope) {
  if (!envelope.has_control()) {
    return envelope.type().empty() ? type_of_payload(domain, envelope.payload()) : envelope.type();
  }
  const auto* which = Control::GetReflection()->GetOneofFieldDescriptor(
      envelope.control(), Control::descriptor()->oneof_decl(0));
  return "control" + (which == nullptr ? std::string() : "." + which->name());
}

FoundRecord found(const Domain& domain, const LogRecord& record) {
  FoundRecord made{.domain = domain,
                   .partition = record.partition,
                   .offset = record.offset,
                   .key = key_of(std::string(record.key), std::string(record.value)),
                   .type = {},
                   .envelope = {},
                   .recorded_at = record.appended_at.time_since_epoch().count()};
  const int size = static_cast<int>(record.value.size());
  if (!made.envelope.ParseFromArray(record.value.data(), size)) {
    made.envelope.Clear();
    return made;
  }
  made.type = type_in(domain, made.envelope);
  if (made.envelope.has_recorded_at() && is_storable(made.envelope.recorded_at())) {
    made.recorded_at = made.envelope.recorded_at();
  }
  return made;
}

struct Scan {
  const Domain& domain;
  const std::string& id;
  LogRange range;            // what comes later is not awaited
  Time since = Time::min();  // when a record was appended, at least
};

// Adds the records of the id. Opens each envelope without copying it.
void add_found(PartitionRecords& records, const Scan& scan, std::vector<FoundRecord>& all) {
  EnvelopeOpener opener;
  Offset from = scan.range.begin;
  while (from < scan.range.end) {
    const auto record = records.from(from);
    if (!record) return;
    const auto envelope = opener.open(record->value);
    if (envelope && envelope->id == scan.id && record->appended_at >= scan.since) {
      all.push_back(found(scan.domain, *record));
    }
    from = record->offset.next();
  }
}

// The first record appended at `since` or later, or a few before it: by halves, since the log
// stamps records in their order.
Offset first_since(PartitionRecords& records, LogRange range, Time since) {
  constexpr std::int64_t kNear = 4096;  // cheaper to read through than to look for
  std::int64_t from = range.begin.value;
  std::int64_t to = range.end.value;
  while (to - from > kNear) {
    const std::int64_t middle = from + (to - from) / 2;
    const auto record = records.from(Offset{middle});
    if (!record || record->appended_at >= since) {
      to = middle;
    } else {
      from = record->offset.next().value;
    }
  }
  return Offset{from};
}

// Records of the key in other partitions, which no index of its own names: they wait in quarantine,
// or somebody discarded them.
std::vector<FoundRecord> find_misrouted(const KeySources& sources, const Domain& domain,
                                        const std::string& id, const KeyPlace& place) {
  PgConnection postgres(sources.postgres);
  const PgResult there = postgres.run(
      "WITH live AS (SELECT projection, generation FROM sluice.projection WHERE live "
      "AND projection = $1) "
      "SELECT partition, position FROM sluice.quarantine JOIN live USING (projection, generation) "
      "WHERE key = $2 AND partition <> $3::integer UNION "
      "SELECT partition, \"offset\" FROM sluice.decision JOIN live USING (projection, generation) "
      "WHERE kind = 'discard' AND \"offset\" >= 0 AND partition <> $3::integer ORDER BY 1, 2",
      {std::string(domain.name), storable_text(place.key), std::to_string(place.partition.value)});
  std::vector<FoundRecord> all;
  std::map<Partition, PartitionRecords> partitions;
  for (int row = 0; row < there.rows(); ++row) {
    const Partition partition{static_cast<std::int32_t>(there.number(row, 0))};
    const Offset offset{there.number(row, 1)};
    auto& records =
        partitions.try_emplace(partition, sources.log, stream_of(domain.name), partition)
            .first->second;
    const auto record = records.from(offset);
    if (!record || record->offset != offset) continue;  // retention took it
    FoundRecord made = found(domain, *record);
    if (made.key == place.key && made.envelope.id() == id) all.push_back(std::move(made));
  }
  return all;
}

void require_log(LogTopology& topology, const std::string& stream, const Token::Place& place) {
  if (place.log.empty()) return;
  const auto identity = topology.identity(stream, Partition{place.partition});
  if (!identity || identity->short_form() == place.log) return;
  throw Misconfigured("the token is of the log " + place.log + ", and " + stream + " partition " +
                      std::to_string(place.partition) + " is of " +
                      std::string(identity->short_form()) +
                      ": it was posted to another system, or the log was made anew");
}

}  // namespace

std::vector<FoundRecord> find_by_token(Log& log, const Token& token,
                                       const std::vector<Domain>& domains) {
  std::vector<FoundRecord> all;
  const auto topology = log.topology();
  for (const Token::Place& place : token.places()) {
    const auto domain = std::ranges::find(domains, place.domain, &Domain::name);
    if (domain == domains.end() || place.position == 0) continue;
    const std::string stream = stream_of(place.domain);
    if (place.partition >= topology->partitions(stream).value_or(0)) continue;
    require_log(*topology, stream, place);
    const Offset last{place.position - 1};
    const LogRange range = topology->range(stream, Partition{place.partition});
    if (last < range.begin || last >= range.end) continue;
    PartitionRecords records(log, stream, Partition{place.partition});
    const auto record = records.from(last);
    if (record && record->offset == last) {
      all.push_back(found(*domain, *record));
    }
  }
  return all;
}

std::vector<FoundRecord> find_by_id(Log& log, const Domain& domain, const std::string& id,
                                    Time since) {
  std::vector<FoundRecord> all;
  const std::string stream = stream_of(domain.name);
  const auto topology = log.topology();
  const int partitions = topology->partitions(stream).value_or(0);
  for (int number = 0; number < partitions; ++number) {
    const Partition partition{number};
    const LogRange range = topology->range(stream, partition);
    if (range.begin == range.end) continue;
    PartitionRecords records(log, stream, partition);
    const LogRange recent{first_since(records, range, since), range.end};
    add_found(records, {domain, id, recent, since}, all);
  }
  return all;
}

std::vector<FoundRecord> find_by_key(const KeySources& sources, const Domain& domain,
                                     const std::string& id, const std::string& key) {
  const Projection projection = projections_of({&domain, 1}).at(0);
  const Generation generation = own_live_generation(sources.postgres, projection);
  const KeyPlace place{projection, generation, partition_of(key, generation.partitions), key};
  const KeyHistory history = ViewedKey(place, sources).find_history();
  const std::string stream = stream_of(domain.name);
  const Offset end = sources.log.topology()->range(stream, place.partition).end;
  PartitionRecords records(sources.log, stream, place.partition);
  std::vector<FoundRecord> all;
  for (const Posting& posting : history.postings) {
    if (posting.kind == Posting::Kind::fired || posting.offset >= history.position) continue;
    const auto there = records.from(posting.offset);
    if (!there || there->offset != posting.offset) continue;  // retention took it
    FoundRecord record = found(domain, *there);
    if (record.key == key && record.envelope.id() == id) all.push_back(std::move(record));
  }
  std::vector<FoundRecord> behind;
  add_found(records, {domain, id, {history.position, end}}, behind);
  std::erase_if(behind, [&](const FoundRecord& record) { return record.key != key; });
  all.insert(all.end(), behind.begin(), behind.end());
  const auto misrouted = find_misrouted(sources, domain, id, place);
  all.insert(all.end(), misrouted.begin(), misrouted.end());
  return all;
}

}  // namespace sluice
