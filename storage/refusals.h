#pragma once

// What was not folded, as a view tells of it: events that were not admissible, records that wait in
// quarantine, and what people decided on those.

#include <optional>
#include <string>
#include <string_view>

#include "storage/base/position.h"

namespace sluice {

// An event that was valid but not admissible.
struct Rejection {
  Offset position;
  std::string event_id;
  std::string type;
  std::string key;
  std::string reason;
  Time recorded_at;
};

// A record that could not be folded, or that waits behind one of its key.
struct QuarantinedRecord {
  Offset position;
  std::string key;
  std::string reason;
  std::optional<std::string> value;  // the record's bytes; nullopt once they have aged out
  Time appended_at;
  bool parks_key = false;  // later records of the key wait behind it
  // More waits under the key than is shown with bytes: state has them.
  bool beyond_limit = false;
};

// What a person decided on records in quarantine, as the partition's log has it.
struct Decision {
  enum class Kind { release, discard, edit };

  Offset position;  // of the record that says so
  // Of what it is about: of a release what was first to wait under its key. nullopt: nothing was.
  std::optional<Offset> offset;
  Kind kind = Kind::release;
  std::string who;
  std::string why;
  Time at;
};

// As a column has it: "release".
[[nodiscard]] constexpr std::string_view word_of(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::release:
      return "release";
    case Decision::Kind::discard:
      return "discard";
    case Decision::Kind::edit:
      return "edit";
  }
  return {};
}

}  // namespace sluice
