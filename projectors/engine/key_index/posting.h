#pragma once

// What the index of a partition's log by key says of one record.

#include <cstdint>
#include <vector>

#include "storage/base/position.h"

namespace sluice {

// A record that concerns a key, and what of the whole partition decided how it was folded. A key's
// postings, with the records that they name, are all that its rows follow from.
struct Posting {
  // How record time, which all keys of the partition move, stood when the record was met.
  enum class Kind : std::uint8_t {
    plain,  // not beyond the record's own stamp, to which the record moved it
    late,   // beyond that stamp by `time`, in milliseconds
    still,  // at `time`; what the record moved, if anything, is told by folding it
    fired,  // the record is another key's: it brought record time to `time`, where timers of this
            // key had their turn
  };

  Offset offset{};
  Kind kind = Kind::plain;
  bool duplicate = false;  // it repeated another, by an event id or by a derived record's receipt
  std::int64_t time = 0;   // milliseconds: a span if `late`, else since 1970; 0 if `plain`

  friend bool operator==(const Posting&, const Posting&) = default;
};

// In the order of their offsets; of one offset those that `fired` in the order in which they did.
using Postings = std::vector<Posting>;

}  // namespace sluice
