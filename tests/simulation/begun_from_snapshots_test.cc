// A worker whose state is lost, and snapshots of it by hand.

#include <catch2/catch.hpp>

#include "projectors/engine/fold/state_checkpoint.h"
#include "tests/simulation/watched_process.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using testing::kOnly;

const std::string kLabel = "tally:0";

class Process : public testing::WatchedProcess {
 public:
  // So many more members, and all of it flushed.
  void grow(int members) {
    for (int i = 0; i < members; ++i) add("b", "m" + std::to_string(next_++));
    live(milliseconds{3000});
  }
  [[nodiscard]] StateCheckpoint head() const {
    StateCheckpoint head;
    head.ParseFromString(state().rows().find(std::string(kCheckpointKey))->second);
    return head;
  }
  [[nodiscard]] KeptSnapshot about(const std::string& path) const {
    const StateCheckpoint at = head();
    return {.path = path,
            .generation_id = at.generation_id(),
            .version = at.version(),
            .position = Offset{at.position()},
            .digest = Digest{at.digest()},
            .published = at.published()};
  }
  void keep(const std::string& path) { shelf.add(about(path), state()); }
  void start_without_state() {
    worker.reset();
    lose_state();
    start_worker();
    live(milliseconds{8000});
  }
  [[nodiscard]] Recovery began() const { return probe.counts().at(kLabel).began; }
  [[nodiscard]] std::vector<std::pair<std::string, SnapshotFault>> refused() const {
    std::vector<std::pair<std::string, SnapshotFault>> all;
    for (const RefusedSnapshot& each : began().refused) all.emplace_back(each.path, each.fault);
    return all;
  }
  [[nodiscard]] std::int64_t position() const { return views.position(kOnly).position.value; }

 private:
  int next_ = 0;
};

using Refused = std::vector<std::pair<std::string, SnapshotFault>>;

}  // namespace

TEST_CASE("lost state begins from the newest snapshot, and folds again what came behind it") {
  Process process;
  process.grow(3);
  process.keep("older");
  process.grow(2);
  process.keep("newer");
  process.grow(4);
  process.start_without_state();
  CHECK(process.began().from == Recovery::From::snapshot);
  CHECK(process.began().position == Offset{5});
  CHECK(process.began().records == 4);
  CHECK(process.began().took.has_value());
  CHECK(process.refused().empty());
  process.grow(1);
  CHECK(process.position() == 10);
  CHECK(process.head().position() == 10);
  // With its state it needs none.
  process.start_worker();
  process.live(milliseconds{3000});
  CHECK(process.began().from == Recovery::From::state);
}

TEST_CASE(
    "snapshots that must not be begun from are refused by name, and the next older is tried") {
  Process process;
  process.grow(3);
  process.keep("good");
  process.grow(3);
  KeptSnapshot torn = process.about("torn");
  torn.fault = SnapshotFault::torn;
  KeptSnapshot alien = process.about("alien");
  alien.generation_id = "another";
  KeptSnapshot version = process.about("version");
  ++version.version;
  KeptSnapshot position = process.about("position");
  position.position = Offset{7};
  KeptSnapshot published = process.about("published");
  published.published = 9;
  KeptSnapshot digest = process.about("digest");
  digest.digest.value ^= 1;
  for (const KeptSnapshot& each : {digest, published, version, alien, torn, position}) {
    process.shelf.add(each, process.state());
  }
  process.start_without_state();
  CHECK(process.began().from == Recovery::From::snapshot);
  CHECK(process.began().position == Offset{3});
  CHECK(process.refused() == Refused{{"position", SnapshotFault::ahead},
                                     {"torn", SnapshotFault::torn},
                                     {"alien", SnapshotFault::alien},
                                     {"version", SnapshotFault::version},
                                     {"published", SnapshotFault::ahead},
                                     {"digest", SnapshotFault::log}});
  CHECK(process.troubles().empty());
  process.grow(1);
  CHECK(process.position() == 7);
}

TEST_CASE(
    "a snapshot of another log gives way once the log has shown its record, also after a death") {
  const bool dies = GENERATE(false, true);
  const bool has_older = GENERATE(false, true);
  Process process;
  process.grow(3);
  if (has_older) process.keep("older");
  process.grow(2);
  StateCheckpoint other = process.head();
  other.set_digest(other.digest() ^ 1);
  MemoryState hollow;
  StateBatch batch;
  batch.put(kCheckpointKey, other.SerializeAsString());
  hollow.write(batch);
  KeptSnapshot about = process.about("other");
  about.digest.value ^= 1;
  process.grow(2);
  process.shelf.add(about, hollow);
  process.worker.reset();
  process.lose_state();
  process.start_worker();
  if (dies) {
    // It has begun from it, and read nothing of the log.
    process.log.set_away(true);
    process.live(milliseconds{100});
    process.start_worker();
    process.log.set_away(false);
  }
  process.live(milliseconds{8000});
  CHECK(process.began().from == (has_older ? Recovery::From::snapshot : Recovery::From::start));
  CHECK(process.refused() == Refused{{"other", SnapshotFault::log}});
  CHECK(process.troubles().empty());
  process.grow(1);
  CHECK(process.position() == 8);
}

TEST_CASE("state that is ahead of a view that was restored gives way to a snapshot that is not") {
  Process process;
  process.grow(3);
  process.keep("before");
  process.grow(1);
  const MemoryViews backup = process.views;
  process.grow(3);
  process.keep("after");
  process.grow(1);
  process.views = backup;
  process.live(milliseconds{8000});
  CHECK(process.began().from == Recovery::From::snapshot);
  CHECK(process.began().position == Offset{3});
  CHECK(process.refused() == Refused{{"after", SnapshotFault::ahead}});
  CHECK(process.position() == 8);
}

}  // namespace sluice
