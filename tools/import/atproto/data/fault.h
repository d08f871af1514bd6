#pragma once

#include <cstddef>

namespace sluice::atproto {

// Why bytes or text cannot be read, and where. Malformed input is an everyday value here, not an
// exception: what reads returns nullopt for "well-formed", or the first fault.
struct Fault {
  std::size_t at = 0;       // byte offset into what the reader was given
  const char* reason = "";  // a literal
};

}  // namespace sluice::atproto
