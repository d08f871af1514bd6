#include "storage/base/record_digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>

namespace sluice {

Digest digest_of(const LogRecord& record) {
  const std::uint64_t place[] = {
      static_cast<std::uint64_t>(record.offset.value),
      static_cast<std::uint64_t>(record.appended_at.time_since_epoch().count()),
      XXH3_64bits(record.key.data(), record.key.size())};
  return Digest{XXH3_64bits_withSeed(record.value.data(), record.value.size(),
                                     XXH3_64bits(place, sizeof place))};
}

Digest digest_of(std::string_view key, std::string_view event) {
  return Digest{
      XXH3_64bits_withSeed(event.data(), event.size(), XXH3_64bits(key.data(), key.size()))};
}

Digest digest_behind(Digest before, Digest next) {
  const std::uint64_t both[] = {before.value, next.value};
  return Digest{XXH3_64bits(both, sizeof both)};
}

}  // namespace sluice
