#include "projectors/engine/run/hot_keys.h"

#include <algorithm>
#include <functional>

namespace sluice {

void HotKeys::sample(std::string_view key) {
  until_sampled_ = kSampledEach;
  if (++sampled_ >= kHalvedAt) halve();
  const std::size_t hash = std::hash<std::string_view>{}(key);
  Counted* least = &counted_.front();
  for (Counted& each : counted_) {
    if (each.times > 0 && each.hash == hash && each.key == key) {
      ++each.times;
      return;
    }
    if (each.times < least->times) least = &each;
  }
  // The key takes over the count of the one that it displaces: it may have had as many before.
  least->hash = hash;
  least->key.assign(key);
  ++least->times;
}

void HotKeys::halve() {
  sampled_ /= 2;
  for (Counted& each : counted_) each.times /= 2;
}

std::optional<HotKey> HotKeys::hottest() const {
  const auto most = std::ranges::max_element(counted_, {}, &Counted::times);
  if (most->times == 0) return std::nullopt;
  const double share = static_cast<double>(most->times) / static_cast<double>(sampled_);
  return HotKey{most->key, std::min(share, 1.0), sampled_};
}

}  // namespace sluice
