#include "projectors/engine/fold/event_id.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice {

EventId id_of(std::string_view key, std::string_view id) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(id.data(), id.size(), XXH3_64bits(key.data(), key.size()));
  return {hash.high64, hash.low64};
}

std::uint64_t content_of(std::string_view payload) {
  return XXH3_64bits(payload.data(), payload.size());
}

}  // namespace sluice
