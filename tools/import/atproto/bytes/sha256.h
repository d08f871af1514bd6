#pragma once

#include <array>
#include <string_view>

namespace sluice::atproto {

using Sha256 = std::array<char, 32>;

// FIPS 180-4. Any thread; the context is kept by the thread, as making one costs more than the
// digest of a record.
[[nodiscard]] Sha256 sha256(std::string_view bytes);

}  // namespace sluice::atproto
