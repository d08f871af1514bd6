#include "ingest/attributes.h"

#include "ingest/media_type.h"
#include "ingest/timestamp.h"
#include "schemas/sluice/rules.h"
#include "schemas/sluice/words.h"

namespace sluice {

void Attributes::clear() {
  for (auto* attribute : {&specversion_, &id_, &source_, &type_, &time_, &datacontenttype_, &actor_,
                          &actorlevel_, &actorrole_}) {
    attribute->reset();
  }
}

std::optional<std::string>* Attributes::find(std::string_view name) {
  if (name == "specversion") return &specversion_;
  if (name == "id") return &id_;
  if (name == "source") return &source_;
  if (name == "type") return &type_;
  if (name == "time") return &time_;
  if (name == "datacontenttype") return &datacontenttype_;
  if (name == "actor") return &actor_;
  if (name == "actorlevel") return &actorlevel_;
  if (name == "actorrole") return &actorrole_;
  return nullptr;
}

bool Attributes::known(std::string_view name) { return Attributes().find(name) != nullptr; }

bool Attributes::set(std::string_view name, std::string_view value) {
  std::optional<std::string>* attribute = find(name);
  if (attribute == nullptr) return false;
  *attribute = value;
  return true;
}

void Attributes::read_into(Envelope& envelope, Faults& faults) const {
  if (!specversion_) {
    faults.add("specversion", "is required");
  } else if (*specversion_ != "1.0") {
    faults.add("specversion", "must be 1.0");
  }
  if (id_) {
    if (!is_event_id(*id_)) faults.add("id", "must be 1 to 200 printable characters");
    envelope.set_id(*id_);
  }
  if (!source_) {
    faults.add("source", "is required");
  } else if (source_->empty() || !is_printable(*source_)) {
    faults.add("source", "must be printable characters, one or more");
  } else {
    envelope.set_source(*source_);
  }
  if (time_) {
    const std::optional<Time> time = parse_timestamp(*time_);
    if (time) {
      envelope.set_occurred_at(time->time_since_epoch().count());
    } else {
      faults.add("time", "must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
    }
  }
  if (datacontenttype_) {
    const MediaType type = parse_media_type(*datacontenttype_);
    if (!names_json(type) || !type.is_utf8) faults.add("datacontenttype", "must name JSON");
  }
  read_actor(envelope, faults);
}

void Attributes::read_actor(Envelope& envelope, Faults& faults) const {
  Actor& actor = *envelope.mutable_actor();
  if (actor_ && !actor_->empty()) {
    if (!is_id(*actor_)) faults.add("actor", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -");
    actor.set_id(*actor_);
  }
  if (actorlevel_) {
    if (const auto* level = value_of(*Actor::Level_descriptor(), *actorlevel_)) {
      actor.set_level(static_cast<Actor::Level>(level->number()));
    } else {
      faults.add("actorlevel", "must be one of guest, account, verified");
    }
  }
  if (actorrole_) {
    if (const auto* role = value_of(*Actor::Role_descriptor(), *actorrole_)) {
      actor.set_role(static_cast<Actor::Role>(role->number()));
    } else {
      faults.add("actorrole", "must be one of participant, moderator, service");
    }
  }
}

}  // namespace sluice
