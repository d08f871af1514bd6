// Partitions of a process that share memory for rows.

#include <catch2/catch.hpp>
#include <string>

#include "projectors/engine/tables/row_memory.h"
#include "tests/simulation/side.h"
#include "tests/simulation/tally/projection.h"

namespace sluice {
namespace {

constexpr RowMemory::Parts kParts{.changed = 400'000, .at_hand = 300'000, .orders = 1000};

// A partition of boxes that grow.
class Boxes {
 public:
  explicit Boxes(RowMemory& memory) {
    log_.create("roster.events", 1);
    side.memory = &memory;
  }

  void grow(int members) {
    for (int i = 0; i < members; ++i) {
      tally::Event event;
      event.mutable_member_added()->set_box_id("box");
      event.mutable_member_added()->set_member("m" + std::to_string(members_));
      side.post(event, "box", std::to_string(members_++));
    }
    side.fold();
  }
  // How many facts fill the part of memory that it has; then they are flushed.
  int fill() {
    const int before = members_;
    do grow(1);
    while (!side.projector->full());
    side.flush();
    return members_ - before;
  }

 private:
  MemoryLog log_{[this] { return side.now; }};
  int members_ = 0;

 public:
  Side side{log_, describe<Tally>("tally")};
};

TEST_CASE("a partition may change more rows between flushes while the others are quiet") {
  RowMemory memory(kParts, 2);
  Boxes one(memory);
  Boxes two(memory);
  two.grow(1);
  const int alone = one.fill();
  const int alone_again = one.fill();
  CHECK(alone > 100);
  CHECK(std::abs(alone - alone_again) <= alone / 10);
  two.fill();
  const int beside = one.fill();
  CHECK(beside > alone * 4 / 10);
  CHECK(beside < alone * 6 / 10);
  // Gone, it holds nothing.
  two.side.projector.reset();
  CHECK(std::abs(one.fill() - alone) <= alone / 10);
}

TEST_CASE("a partition with nothing to do lets go of rows when another becomes busy") {
  RowMemory memory(kParts, 2);
  Boxes idle(memory);
  while (idle.side.projector == std::nullopt || idle.side.projector->row_bytes() < 250'000) {
    idle.fill();
  }
  idle.side.projector->maintain();
  CHECK(idle.side.projector->row_bytes() > 200'000);
  Boxes busy(memory);
  busy.fill();
  idle.side.projector->maintain();
  CHECK(idle.side.projector->row_bytes() <= memory.at_hand());
  CHECK(idle.side.projector->row_bytes() > 0);
  // What it let go of is in its state.
  idle.fill();
  CHECK(idle.side.rows<tally::Box>().front().members() ==
        static_cast<int>(idle.side.rows<tally::Member>().size()));
}

}  // namespace
}  // namespace sluice
