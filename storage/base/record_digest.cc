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

}  // namespace sluice
