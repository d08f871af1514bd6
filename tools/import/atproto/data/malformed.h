#pragma once

#include <string>

namespace sluice::atproto {

// What of an input could not be read, for people: one op, one record, one block or a whole message.
// What stands beside it is not touched by it.
struct Malformed {
  std::string place;   // "op 2 (app.bsky.feed.like/3l...), byte 17 of its block"
  std::string reason;  // "a key for the second time"
};

}  // namespace sluice::atproto
