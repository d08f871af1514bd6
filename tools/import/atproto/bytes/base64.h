#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::atproto {

// RFC 4648 section 4, as atproto's `$bytes` has it (specification, Data Model, "JSON
// representation"): written without padding, read with or without. Bits behind the last byte are
// passed over, as the network's implementations do. nullopt: no base64.
void append_base64(std::string& out, std::string_view bytes);
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sluice::atproto
