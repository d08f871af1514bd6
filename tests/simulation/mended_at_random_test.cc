// Rules that somebody has mended under the same version, over whatever came before.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/simulation/folded_boxes.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Of one partition and three keys, at random: whatever rules are mended over.
class RandomBoxes : public Boxes {
 public:
  // `wild`: with timers, stamps that go back, numbers of timers and ids of decisions; else a key
  // alone is exact by any rules.
  RandomBoxes(std::uint64_t seed, bool wild) : random_(seed), wild_(wild) {}

  void happen() {
    pass(milliseconds(wild_ ? below(300) : 10));
    if (wild_) tally.now = now + milliseconds(below(800) - 400);
    const int what = below(20);
    if (what < 11) return add();
    if (what == 11) return remove(box(), member(), id());
    if (what == 12) return empty(box(), id());
    if (what == 13) return tally.append_bytes(box(), "no envelope");
    if (what == 14) return tick();
    decide();
  }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  std::string box() { return "b" + std::to_string(below(3)); }
  std::string member() { return "m" + std::to_string(below(4)); }
  std::string id() {
    return "e" + std::to_string(below(4) == 0 ? below(next_id_ + 1) : next_id_++);
  }
  std::int64_t stay() {
    if (wild_) return below(700);
    return 64'000'000'000 + (below(3) == 0 ? kBadStays.at(static_cast<std::size_t>(below(3))) : 0);
  }
  tally::Event added(const std::string& in) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(in);
    event.mutable_member_added()->set_member(member());
    event.mutable_member_added()->set_stay_ms(stay());
    return event;
  }
  void add() {
    const std::string in = box();
    tally.post(added(in), in, id());
  }
  void decide() {
    const std::string in = box();
    Control control;
    const int what = below(6);
    if (what == 0) {
      control.mutable_release();
    } else if (what < 5) {
      control.mutable_discard()->set_offset(named());
    } else {
      Envelope envelope;
      envelope.set_id(id());
      envelope.set_key(in);
      envelope.set_payload(added(in).SerializeAsString());
      control.mutable_edit()->set_offset(named());
      control.mutable_edit()->set_value(envelope.SerializeAsString());
    }
    Envelope envelope;
    if (wild_) envelope.set_id("d" + std::to_string(below(10)));
    envelope.set_key(wild_ && below(5) == 0 ? std::string() : in);
    envelope.set_recorded_at(tally.now.time_since_epoch().count());
    *envelope.mutable_control() = control;
    tally.append(envelope);
  }
  // One of the last, or a timer.
  std::int64_t named() {
    if (wild_ && below(3) == 0) return -1 - below(4);
    return std::max<std::int64_t>(0, end() - 1 - below(12));
  }

  std::mt19937_64 random_;
  const bool wild_;
  int next_id_ = 0;
};

constexpr int kSeeds = 150;
constexpr int kHappenings = 90;

}  // namespace

TEST_CASE("other rules fold a key alone as they fold the partition, at random, without timers") {
  const Projection failing = describe<Tally>("tally");
  const Projection mended = describe<MendedTally>("tally");
  int other = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    RandomBoxes boxes(static_cast<std::uint64_t>(seed), false);
    for (int i = 0; i < kHappenings; ++i) boxes.happen();
    Folded by_failing(failing, boxes.log);
    Folded by_mended(mended, boxes.log);
    for (const std::string key : {"b0", "b1", "b2"}) {
      CAPTURE(key);
      const Alone alone_mended(mended, boxes.log, key, by_failing.postings(key));
      REQUIRE(alone_mended.rows == by_mended.rows(key));
      const Alone alone_failing(failing, boxes.log, key, by_mended.postings(key));
      REQUIRE(alone_failing.rows == by_failing.rows(key));
      REQUIRE_FALSE(
          Alone(failing, boxes.log, key, by_failing.postings(key)).refold.by_other_rules());
      if (alone_mended.refold.counts_otherwise()) ++other;
    }
  }
  CHECK(other > kSeeds);
}

TEST_CASE("with timers, skewed clocks and decisions on anything, other rules contradict nothing") {
  const Projection failing = describe<Tally>("tally");
  const Projection mended = describe<MendedTally>("tally");
  for (int seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    RandomBoxes boxes(static_cast<std::uint64_t>(seed), true);
    for (int i = 0; i < kHappenings; ++i) boxes.happen();
    Folded by_failing(failing, boxes.log);
    Folded by_mended(mended, boxes.log);
    for (const std::string key : {"b0", "b1", "b2"}) {
      CAPTURE(key);
      REQUIRE_NOTHROW(Alone(mended, boxes.log, key, by_failing.postings(key)));
      REQUIRE_NOTHROW(Alone(failing, boxes.log, key, by_mended.postings(key)));
    }
  }
}

}  // namespace sluice
