#pragma once

// Which key has the largest share of what a partition was lately given: Space-Saving (Metwally,
// Agrawal, El Abbadi 2005) over a sample of its records, aged by halving. One thread.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct HotKey {
  std::string key;
  double share = 0;           // of the records sampled, 0 to 1; too large by 1/32 at most
  std::uint64_t sampled = 0;  // records that the share is of, older ones counted less
};

// Bounded: 32 keys, whatever the partition has. The sample is each 16th record, so that a record
// costs a count, and now and then a walk over 32 hashes.
class HotKeys {
 public:
  static constexpr std::uint32_t kSampledEach = 16;

  void observe(std::string_view key) {
    if (--until_sampled_ == 0) sample(key);
  }

  // nullopt: nothing was sampled. A key's share is exact while there are no more than 32 keys.
  [[nodiscard]] std::optional<HotKey> hottest() const;

 private:
  static constexpr std::size_t kKeys = 32;
  // Then all counts are halved: a key that was hot counts half after so many samples.
  static constexpr std::uint64_t kHalvedAt = 2048;

  struct Counted {
    std::size_t hash = 0;
    std::uint64_t times = 0;  // 0: free
    std::string key;
  };

  void sample(std::string_view key);
  void halve();

  std::uint32_t until_sampled_ = kSampledEach;
  std::uint64_t sampled_ = 0;
  std::array<Counted, kKeys> counted_;
};

}  // namespace sluice
