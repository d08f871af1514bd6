#include "projectors/engine/tables/row_memory.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>

using sluice::RowMemory;

namespace {

constexpr RowMemory::Parts kParts{.changed = 800, .at_hand = 480, .orders = 320};
constexpr std::size_t kQuiet = (kParts.changed + kParts.at_hand) / 8 / 4;

}  // namespace

TEST_CASE("who is busy alone has what all others leave") {
  RowMemory memory(kParts, 4);
  // Before anybody is, as the first will be.
  CHECK(memory.changed() == 725);
  RowMemory::Holder one(memory);
  one.holds(kQuiet + 1);
  CHECK(memory.changed() == 725);
  CHECK(memory.at_hand() == 435);
  RowMemory::Holder two(memory);
  two.holds(kQuiet);
  CHECK(memory.changed() == 725);
  two.holds(kQuiet + 1);
  CHECK(memory.changed() == 375);
  one.holds(0);
  CHECK(memory.changed() == 725);
}

TEST_CASE("all of them have equal parts, and who goes leaves theirs") {
  RowMemory memory(kParts, 4);
  {
    std::deque<RowMemory::Holder> all;
    for (int i = 0; i < 4; ++i) all.emplace_back(memory).holds(kQuiet + 1);
    CHECK(memory.changed() == 200);
    CHECK(memory.at_hand() == 120);
    // A partition that is taken anew may have two for a moment.
    RowMemory::Holder fifth(memory);
    fifth.holds(kQuiet + 1);
    CHECK(memory.changed() == 160);
  }
  CHECK(memory.changed() == 725);
}

TEST_CASE("what orders hold is taken out of both, up to what they may") {
  RowMemory memory(kParts, 1);
  memory.orders().count(100);
  CHECK(memory.changed() == 750);
  CHECK(memory.at_hand() == 430);
  memory.orders().count(1'000'000);
  CHECK(memory.changed() == 640);
  CHECK(memory.at_hand() == 320);
}

TEST_CASE("the parts of all together are never more than there is") {
  CHECK(rc::check("whoever is busy", [] {
    const int partitions = *rc::gen::inRange(1, 40);
    const RowMemory::Parts parts{.changed = *rc::gen::inRange<std::size_t>(100'000, 1'000'000),
                                 .at_hand = *rc::gen::inRange<std::size_t>(100'000, 1'000'000),
                                 .orders = *rc::gen::inRange<std::size_t>(0, 100'000)};
    RowMemory memory(parts, partitions);
    const std::size_t quiet =
        (parts.changed + parts.at_hand) / (8 * static_cast<std::size_t>(partitions));
    const auto orders = *rc::gen::inRange<std::ptrdiff_t>(0, 200'000);
    memory.orders().count(orders);
    std::deque<RowMemory::Holder> all;
    std::size_t busy = 0;
    for (int i = 0; i < partitions; ++i) {
      const bool is_busy = *rc::gen::arbitrary<bool>();
      busy += is_busy;
      all.emplace_back(memory).holds(is_busy ? quiet + 1 : quiet);
    }
    const std::size_t held = busy * (memory.changed() + memory.at_hand()) +
                             (all.size() - busy) * quiet +
                             std::min(static_cast<std::size_t>(orders), parts.orders);
    RC_ASSERT(held <= parts.changed + parts.at_hand);
    // And nearly all of it is given.
    if (busy > 0) RC_ASSERT(held + 8 * all.size() > parts.changed + parts.at_hand);
  }));
}
