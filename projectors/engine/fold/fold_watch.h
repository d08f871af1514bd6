#pragma once

// What became of one record, for who folds its key to learn that.

#include <optional>
#include <string>

#include "projectors/engine/fold/event_id.h"
#include "sluice/envelope.pb.h"
#include "storage/base/position.h"

namespace sluice {

struct FoldWatch {
  FoldWatch(Offset of, std::string_view key, const Envelope& envelope)
      : offset(of), id(id_of(key, envelope.id())) {
    if (envelope.has_origin()) origin = envelope.origin();
  }

  const Offset offset;
  const EventId id;
  std::optional<Origin> origin = {};  // of a derived one, which counts by it

  // What became of it: nothing as yet, the rules were given it, or it repeated another.
  enum class Came { nothing, folded, repeated } came = Came::nothing;
  // The record that counted last under the same id before it.
  std::optional<Offset> counted = {};

  void met_id(Offset record, const EventId& met, bool seen) {
    if (origin || met != id) return;
    met_same(record, seen);
  }
  void met_origin(Offset record, const Origin& met, bool taken_before) {
    const bool same = origin && met.projection() == origin->projection() &&
                      met.partition() == origin->partition() &&
                      met.position() == origin->position() && met.ordinal() == origin->ordinal();
    if (same) met_same(record, taken_before);
  }
  void folded(Offset record) {
    if (record == offset) came = Came::folded;
  }

 private:
  void met_same(Offset record, bool seen) {
    if (came != Came::nothing) return;
    if (seen && record == offset) came = Came::repeated;
    if (!seen && record != offset) counted = record;
  }
};

}  // namespace sluice
