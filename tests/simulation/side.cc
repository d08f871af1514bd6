#include "tests/simulation/side.h"

#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "tests/simulation/leader.h"

namespace sluice {
namespace {

Generation generation(const Projection& projection, bool live, int partitions) {
  return {.projection = std::string(projection.name),
          .number = 1,
          .unique_id = "g",
          .version = projection.version,
          .partitions = partitions,
          .dedupe_horizon = kHorizon,
          .quarantine_retention = kRetention,
          .live = live,
          .tells_emissions = projection.emits,
          .key_index = true};
}

}  // namespace

Side::Side(MemoryLog& log, const Projection& projection, bool live, Offset emits_from,
           int partitions)
    : log_(log),
      stream_(std::string(projection.name) + ".events"),
      projection_(projection),
      generation_(generation(projection, live, partitions)),
      emits_from_(emits_from),
      writer_(log.writer()),
      leader(far_ahead(generation_)),
      views(generation_),
      sink(views),
      emitter_(*writer_, log, 2) {
  log.create(stream_, partitions);
  if (!live) views.follow(leader);
}

void Side::restart() {
  projector.reset();
  store_.emplace(state);
  projector.emplace(projection_, generation_, kOnly, std::to_string(++takings_),
                    ProjectorParts{*store_, from_, emitter_, probe, *memory, nullptr,
                                   [this] { return log_.identity(stream_, kOnly); },
                                   SteadiedClock::system_wall, nullptr, nullptr,
                                   [this](Offset offset) { return record_at(offset); }, limits});
  position_ = projector->claim(log_.range(stream_, kOnly));
}

void Side::run(const Projection& projection) {
  projector.reset();
  projection_ = projection;
  restart();
}

LogRecord Side::record_at(Offset offset) {
  for (const auto& stored : log_.records(stream_, kOnly)) {
    if (stored.offset != offset) continue;
    return {kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()};
  }
  throw Corrupt("the log has no such record");
}

Projector& Side::running() {
  if (!projector) restart();
  CHECK(projector.has_value(), "restart() makes it");
  return *projector;
}

void Side::fold() {
  while (!fold_once()) {
  }
}

// False: a rule failed, and what was dropped is to be folded again.
bool Side::fold_once() {
  Projector& now_running = running();
  for (const auto& stored : log_.records(stream_, kOnly)) {
    if (stored.offset < position_) continue;
    now_running.fold({kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()});
    ++folds;
    if (now_running.reads_from() <= stored.offset) {
      position_ = now_running.reads_from();
      return false;
    }
    position_ = stored.offset.next();
    if (flushes_when_full && now_running.full()) now_running.flush(position_);
  }
  return true;
}

void Side::flush() {
  fold();
  running().flush(log_.range(stream_, kOnly).end);
}

Envelope Side::post(const google::protobuf::Message& event, const std::string& key,
                    const std::string& id) {
  Envelope envelope;
  envelope.set_id(id);
  envelope.set_key(key);
  envelope.set_recorded_at(now.time_since_epoch().count());
  envelope.set_payload(event.SerializeAsString());
  append(envelope);
  return envelope;
}

void Side::append(const Envelope& envelope) {
  append_bytes(envelope.key(), envelope.SerializeAsString());
}

void Side::append_bytes(const std::string& key, const std::string& bytes) {
  NewRecord record{kOnly, key, bytes};
  writer_->append(stream_, {&record, 1});
}

std::vector<Envelope> Side::log() {
  std::vector<Envelope> all;
  for (const auto& stored : log_.records(stream_, kOnly)) {
    all.emplace_back().ParseFromString(std::string(stored.value()));
  }
  return all;
}

}  // namespace sluice
