#include "ingest/attributes.h"

#include <algorithm>
#include <optional>

#include "ingest/media_type.h"
#include "ingest/timestamp.h"
#include "schemas/descriptors/nearest.h"
#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/words.h"

namespace sluice {

namespace {

constexpr auto kNames =
    std::to_array<std::string_view>({"specversion", "id", "source", "type", "time",
                                     "datacontenttype", "actor", "actorlevel", "actorrole"});
// Those that an event may lack: a misspelled one would be lost without a word. What is required is
// missed in any case.
constexpr auto kOptional = std::to_array<std::string_view>(
    {"id", "time", "datacontenttype", "actor", "actorlevel", "actorrole"});

// Lower case, and of letters and digits alone, as attributes' names are.
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') out += static_cast<char>(c + ('a' - 'A'));
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

// How many slips make another name of one of ours: none of a short one, since many a name is near
// to `id`.
std::size_t slips(std::string_view ours) {
  constexpr std::size_t kShort = 4;
  constexpr std::size_t kLong = 6;
  if (ours.size() < kShort) return 0;
  return ours.size() < kLong ? 1 : 2;
}

bool is_near(std::string_view name, std::string_view ours) {
  const std::size_t most = slips(ours);
  if (name.size() > ours.size() + most || ours.size() > name.size() + most) return false;
  return edit_distance(name, ours) <= most;
}

// Empty: none.
std::string_view meant_by(const std::string& name) {
  const bool of_actor = name.starts_with("actor");
  std::string_view meant;
  std::size_t least = std::string::npos;
  for (const std::string_view ours : kOptional) {
    if (!is_near(name, ours) && !(of_actor && ours.starts_with("actor"))) continue;
    const std::size_t distance = edit_distance(name, ours);
    if (distance >= least) continue;
    least = distance;
    meant = ours;
  }
  return meant;
}

}  // namespace

std::optional<std::string> Attributes::misspelled(std::string_view extension) {
  constexpr std::size_t kLongest = 64;
  if (extension.size() > kLongest) return std::nullopt;
  const std::string name = plain(extension);
  if (is_near(name, "recordedat")) return "is stamped here: when it happened is `time`";
  if (is_near(name, "occurredat")) return "is no attribute: when it happened is `time`";
  const std::string_view meant = meant_by(name);
  if (meant.empty()) return std::nullopt;
  return "is no attribute: did you mean `" + std::string(meant) + "`?";
}

Attributes::Name Attributes::named(std::string_view name) {
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
