#pragma once

#include <cstdint>

namespace sluice::testing {

// A TCP port that is free on loopback, from below the ephemeral range: a client that knocks at a
// server which is down must not be given the server's own port for its socket.
[[nodiscard]] std::uint16_t free_port();

}  // namespace sluice::testing
