#include "ingest/attributes.h"

#include <algorithm>
#include <optional>

#include "ingest/media_type.h"
#include "ingest/timestamp.h"
#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/words.h"

namespace sluice {

Attributes::Name Attributes::named(std::string_view name) {
  constexpr auto kNames =
      std::to_array<std::string_view>({"specversion", "id", "source", "type", "time",
                                       "datacontenttype", "actor", "actorlevel", "actorrole"});
  static_assert(kNames.size() == kUnknown);
  return static_cast<Name>(std::find(kNames.begin(), kNames.end(), name) - kNames.begin());
}

void Attributes::clear() { present_.fill(false); }

void Attributes::set(Name name, std::string_view value) {
  texts_[name] = value;
  present_[name] = true;
}

const std::string* Attributes::find(Name name) const {
  return present_[name] ? &texts_[name] : nullptr;
}

void Attributes::read_into(Envelope& envelope, Faults& faults) const {
  if (const std::string* version = find(kSpecversion); version == nullptr) {
    faults.add("specversion", "is required");
  } else if (*version != "1.0") {
    faults.add("specversion", "must be 1.0");
  }
  if (const std::string* id = find(kId)) {
    if (!is_event_id(*id)) faults.add("id", "must be 1 to 200 printable characters");
    envelope.set_id(*id);
  }
  if (const std::string* source = find(kSource); source == nullptr) {
    faults.add("source", "is required");
  } else if (source->empty() || !is_printable(*source)) {
    faults.add("source", "must be printable characters, one or more");
  } else {
    envelope.set_source(*source);
  }
  if (const std::string* text = find(kTime)) {
    const std::optional<Time> time = parse_timestamp(*text);
    if (time) {
      envelope.set_occurred_at(time->time_since_epoch().count());
    } else {
      faults.add("time", "must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
    }
  }
  if (const std::string* text = find(kDatacontenttype)) {
    const MediaType type = parse_media_type(*text);
    if (!names_json(type) || !type.is_utf8) faults.add("datacontenttype", "must name JSON");
  }
  read_actor(envelope, faults);
}

void Attributes::read_actor(Envelope& envelope, Faults& faults) const {
  const std::string* id = find(kActor);
  const std::string* level_word = find(kActorlevel);
  const std::string* role_word = find(kActorrole);
  if (id == nullptr && level_word == nullptr && role_word == nullptr) return;
  Actor& actor = *envelope.mutable_actor();
  if (id != nullptr && !id->empty()) {
    if (!is_id(*id)) faults.add("actor", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -");
    actor.set_id(*id);
  }
  if (level_word != nullptr) {
    if (const auto* level = value_of(*Actor::Level_descriptor(), *level_word)) {
      actor.set_level(static_cast<Actor::Level>(level->number()));
    } else {
      faults.add("actorlevel", "must be one of guest, account, verified");
    }
  }
  if (role_word != nullptr) {
    if (const auto* role = value_of(*Actor::Role_descriptor(), *role_word)) {
      actor.set_role(static_cast<Actor::Role>(role->number()));
    } else {
      faults.add("actorrole", "must be one of participant, moderator, service");
    }
  }
}

}  // namespace sluice
