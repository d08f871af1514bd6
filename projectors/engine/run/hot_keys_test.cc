#include "projectors/engine/run/hot_keys.h"

#include <catch2/catch.hpp>
#include <string>

namespace sluice {
namespace {

// Of each hundred records `of_hundred` have the key "hot", every other a key of its own.
void give(HotKeys& keys, int records, int of_hundred, const std::string& hot) {
  // Strides that share no factor with the sampling: it must not meet one residue only.
  for (int n = 0; n < records; ++n) {
    keys.observe(n * 7 % 100 < of_hundred ? hot : "k" + std::to_string(n));
  }
}

}  // namespace

TEST_CASE("nothing sampled has no hottest key") {
  HotKeys keys;
  CHECK_FALSE(keys.hottest());
  for (std::uint32_t n = 1; n < HotKeys::kSampledEach; ++n) keys.observe("a");
  CHECK_FALSE(keys.hottest());
  keys.observe("a");
  REQUIRE(keys.hottest());
  const HotKey found = keys.hottest().value_or(HotKey{});
  CHECK(found.key == "a");
  CHECK(found.share == 1);
}

TEST_CASE("a key that has most records is found among any number of others") {
  HotKeys keys;
  give(keys, 400'000, 80, "hot");
  REQUIRE(keys.hottest());
  const HotKey found = keys.hottest().value_or(HotKey{});
  CHECK(found.key == "hot");
  CHECK(found.share > 0.75);
  CHECK(found.share < 0.85);
}

TEST_CASE("where no key is hot, none has a large share") {
  HotKeys keys;
  give(keys, 400'000, 0, "hot");
  REQUIRE(keys.hottest());
  const HotKey found = keys.hottest().value_or(HotKey{});
  CHECK(found.share < 0.1);
}

TEST_CASE("a key that was hot is forgotten as others come") {
  HotKeys keys;
  give(keys, 400'000, 90, "before");
  give(keys, 400'000, 90, "now");
  REQUIRE(keys.hottest());
  const HotKey found = keys.hottest().value_or(HotKey{});
  CHECK(found.key == "now");
  CHECK(found.share > 0.85);
}

}  // namespace sluice
