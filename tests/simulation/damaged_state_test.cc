// A state whose bytes are not what was written, whichever they are: the process lives, and the
// partition stops, or has noticed nothing because nothing has looked there.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>

#include "projectors/engine/tables/row_key.h"
#include "storage/base/errors.h"
#include "tests/simulation/failing_boxes.h"
#include "tests/simulation/watched_process.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using Rows = MemoryState::Rows;

constexpr int kSeeds = 1500;

// Of the domain itself: a row that is gone from there is not to be told from one that never was, so
// that its keys stay.
bool is_domains_row(std::string_view key) {
  for (const auto* row : {tally::Box::descriptor(), tally::Member::descriptor()}) {
    std::string prefix;
    row_key::append_prefix(prefix, row_key::table_prefix(*row));
    if (key.starts_with(prefix)) return true;
  }
  return false;
}

// What kind of key it is: "head", "dr", a table's prefix.
std::string kind_of(std::string_view key) {
  constexpr std::size_t kPrefix = 4;
  constexpr std::size_t kWord = 2;
  const bool is_row = (static_cast<unsigned char>(key.front()) & 0x80U) != 0;
  return std::string(key.substr(0, is_row || key == "head" ? kPrefix : kWord));
}

class Damaged {
 public:
  explicit Damaged(std::uint64_t seed) : random_(seed) {
    boxes_.tally.limits.dedupe = {.open_marks = 6,
                                  .page_marks = 3,
                                  .segment_marks = 20,
                                  .slices = 4,
                                  .fan_in = 2,
                                  .merge_pace = 2,
                                  .merge_marks_min = 2,
                                  .filter_bytes_max = std::size_t{1} << 20};
    boxes_.tally.limits.index = {
        .page_bytes = 24, .fan_in = 2, .merge_pace = 2, .merge_least = 2, .time_every = 3};
    boxes_.tally.flushes_when_full = true;
    go_on(12 + below(60));
    boxes_.tally.flush();
  }

  void go_on(int steps) {
    for (int i = 0; i < steps; ++i) happen();
  }
  void restart() {
    boxes_.tally.restart();
    go_on(15);
    boxes_.tally.flush();
  }

  // One key of a kind, all kinds being as likely, or its value. Returns the kind.
  std::string damage() {
    const Rows& rows = boxes_.tally.state.rows();
    std::map<std::string, std::vector<std::string>> kinds;
    for (const auto& [key, value] : rows) kinds[kind_of(key)].push_back(key);
    const auto kind = std::next(kinds.begin(), below(static_cast<int>(kinds.size())));
    const auto& keys = kind->second;
    const std::string key = keys[static_cast<std::size_t>(below(static_cast<int>(keys.size())))];
    const std::string other = keys[static_cast<std::size_t>(below(static_cast<int>(keys.size())))];
    const std::string value = rows.find(key)->second;
    StateBatch batch;
    switch (below(is_domains_row(key) ? 3 : 5)) {
      case 0:
        batch.put(key, changed(value));
        break;
      case 1:
        batch.put(key, rows.find(other)->second);
        break;
      case 2:
        // Beside the right one: of a key that is none.
        batch.put(
            key.substr(0, key.size() - 1 -
                              static_cast<std::size_t>(below(static_cast<int>(key.size()) - 1))),
            value);
        break;
      case 3:
        batch.erase(key);
        break;
      default:
        batch.erase(key);
        batch.put(kind->first + changed(key.substr(kind->first.size())), value);
    }
    boxes_.tally.state.write(batch);
    return kind->first;
  }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  std::string changed(std::string bytes) {
    if (bytes.empty()) return "x";
    const auto at = static_cast<std::size_t>(below(static_cast<int>(bytes.size())));
    switch (below(4)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes += '\x01';
        break;
      case 2:
        bytes[at] = static_cast<char>(random_());
        break;
      default:
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << below(8)));
    }
    return bytes;
  }

  void happen() {
    const std::string box = "b" + std::to_string(below(4));
    const std::string member = "m" + std::to_string(below(4));
    switch (below(12)) {
      case 0:
        return boxes_.tick();
      case 1:
        return boxes_.release(box);
      case 2:
        return boxes_.discard(box, below(static_cast<int>(boxes_.end()) + 1));
      case 3:
        boxes_.pass(milliseconds{below(400)});
        return boxes_.tick();
      case 4:
        return boxes_.tally.append_bytes(box, "no envelope");
      case 5:
        return boxes_.tally.restart();
      case 6:
      case 7:
        return boxes_.tally.flush();
      default: {
        const std::int64_t bad =
            below(5) == 0 ? kBadStays[static_cast<std::size_t>(below(kBadStays.size()))] : 0;
        return boxes_.add_for(box, member, 64 * (1 + below(6)) + bad);
      }
    }
  }

  std::mt19937_64 random_;
  Boxes boxes_;
};

}  // namespace

TEST_CASE("whatever bytes of a state are changed, no process ends") {
  std::map<std::string, int> noticed;
  std::set<std::string> kinds;
  for (int seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    Damaged world(static_cast<std::uint64_t>(seed));
    const std::string kind = world.damage();
    kinds.insert(kind);
    try {
      for (int i = 0; i < 4; ++i) world.restart();
    } catch (const Corrupt&) {
      ++noticed[kind];
    }
  }
  // Of a receipt that was changed nothing is known to be wrong, nor of a mark.
  CHECK(kinds.size() > 10);
  CHECK(noticed.size() > 6);
}

TEST_CASE("a state that is damaged stops its partition, which says where it lies and what to do") {
  testing::WatchedProcess process;
  process.add("b", "m");
  process.live(milliseconds{1000});
  CHECK(process.views.trouble(testing::kOnly).empty());

  // A member under a key that is cut short.
  std::string key;
  tally::Member member;
  member.set_box_id("b");
  member.set_member("other");
  row_key::append_key_of(key, member);
  StateBatch batch;
  batch.put(key.substr(0, key.size() - 2), member.SerializeAsString());
  process.disk().write(batch);
  process.start_worker();
  process.empty("b");
  process.live(milliseconds{6000});
  // What readiness and `sluice status` tell.
  CHECK_THAT(
      process.views.trouble(testing::kOnly),
      Catch::Contains("a row of table tally.Member stands under a key that is not its own") &&
          Catch::Contains("/data/state/tally-g1/0") && Catch::Contains("delete that folder"));
}

}  // namespace sluice
