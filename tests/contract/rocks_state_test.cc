#include "storage/rocksdb/rocks_state_store.h"

#include "storage/rocksdb/rocks_state_reader.h"

#include <rocksdb/env.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <latch>
#include <map>
#include <set>

#include "projectors/engine/key_index/key_index.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "storage/base/errors.h"
#include "tests/contract/numbered_batch.h"
#include "tests/contract/state_rows.h"
#include "tests/contract/state_store_contract.h"
#include "tests/contract/victim.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using Kept = RocksStateStore::KeptThrough;
constexpr std::size_t kBytes = 16 << 20;

class RocksStateUnderTest final : public StateUnderTest {
 public:
  explicit RocksStateUnderTest(Kept kept) : kept_(kept) {}
  StateStore& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    store_ = std::make_unique<RocksStateStore>(dir_.path(), resources_, kept_);
  }

 private:
  Kept kept_;
  TempDir dir_;
  RocksResources resources_{kBytes, 1};
  std::unique_ptr<RocksStateStore> store_ =
      std::make_unique<RocksStateStore>(dir_.path(), resources_, kept_);
};

// The newest batch that is there: it, and every one before it, whole. -1 for none.
int newest_whole_batch(StateStore& store) {
  int newest = -1;
  while (get(store, numbered("batch ", newest + 1))) ++newest;
  for (int key = 0; newest >= 0 && key < kKeysPerBatch; ++key) {
    REQUIRE(get(store, numbered("k", key)) == batch_value(newest));
  }
  std::size_t marks = 0;
  for (const auto at = store.scan("batch ", "batch!"); at->valid(); at->next()) ++marks;
  REQUIRE(marks == static_cast<std::size_t>(newest + 1));
  return newest;
}

}  // namespace

TEST_CASE("state in RocksDB keeps the contract") {
  state_store_contract([] { return std::make_unique<RocksStateUnderTest>(Kept::kill); });
}

TEST_CASE("state in RocksDB without its log keeps the contract") {
  state_store_contract([] { return std::make_unique<RocksStateUnderTest>(Kept::shutdown); });
}

TEST_CASE("killed, a store has every batch that it took, or without its log a beginning of them") {
  const auto kept = GENERATE(Kept::kill, Kept::shutdown);
  TempDir dir;
  int written = -1;
  for (int round = 0; round < 5; ++round) {
    const std::string mode = kept == Kept::kill ? "kill" : "shutdown";
    const int reported =
        reported_until_killed({"write", dir.path().string(), mode, std::to_string(written + 1)})
            .back();
    const RocksResources resources(kBytes, 1);
    RocksStateStore store(dir.path(), resources, kept);
    written = newest_whole_batch(store);
    if (kept == Kept::kill) CHECK(written >= reported);
  }
  if (kept == Kept::kill) CHECK(written > 0);
}

TEST_CASE("killed while it clears, a store has everything or nothing") {
  constexpr std::size_t kRows = 20'000;
  for (int round = 0; round < 6; ++round) {
    TempDir dir;
    const RocksResources resources(2 << 20, 1);
    {
      RocksStateStore store(dir.path(), resources);
      StateBatch batch;
      for (std::size_t row = 0; row < kRows; ++row) {
        batch.put(std::to_string(row), std::string(200, 'x'));
        if (batch.size() == 1000) {
          store.write(batch);
          batch.clear();
        }
      }
    }
    const int reported = reported_until_killed({"clear", dir.path().string()}).back();
    RocksStateStore store(dir.path(), resources);
    const std::size_t left = rows_of(store).size();
    CHECK((left == 0 || (left == kRows && reported == 0)));
  }
}

TEST_CASE("a folder that is open is refused, by name") {
  TempDir dir;
  const RocksResources resources(kBytes, 1);
  RocksStateStore store(dir.path(), resources);
  CHECK_THROWS_AS(RocksStateStore(dir.path(), resources), Misconfigured);
  CHECK_THROWS_WITH(
      RocksStateStore(dir.path(), resources),
      Catch::Contains("in use by another process") && Catch::Contains(dir.path().string()));
}

TEST_CASE("a folder that cannot be made is refused") {
  TempDir dir;
  const RocksResources resources(kBytes, 1);
  std::ofstream(dir.path() / "file") << "not a folder";
  CHECK_THROWS_AS(RocksStateStore(dir.path() / "file" / "state", resources), Misconfigured);
}

TEST_CASE("damaged files are Corrupt, never an absent key") {
  TempDir dir;
  const RocksResources resources(kBytes, 1);
  const std::filesystem::path state = dir.path() / "state";
  {
    RocksStateStore store(state, resources, Kept::shutdown);
    for (int i = 0; i < 1000; ++i) put_all(store, {{std::to_string(i), std::string(100, 'v')}});
  }
  std::filesystem::path table;
  for (const auto& entry : std::filesystem::directory_iterator(state)) {
    if (entry.path().extension() == ".sst") table = entry.path();
  }
  REQUIRE_FALSE(table.empty());
  SECTION("a flipped bit") {
    std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.put('!');
    file.close();
    const auto read_all = [&] {
      RocksStateStore store(state, resources);
      rows_of(store);
    };
    CHECK_THROWS_AS(read_all(), Corrupt);
  }
  SECTION("a missing file") {
    std::filesystem::remove(table);
    CHECK_THROWS_AS(RocksStateStore(state, resources), Corrupt);
  }
  SECTION("a MANIFEST that lacks its end, by which the table is not there") {
    for (const auto& entry : std::filesystem::directory_iterator(state)) {
      if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
      std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) / 2);
    }
    CHECK_THROWS_WITH(RocksStateStore(state, resources), Catch::Contains("lacks its end"));
    CHECK(std::filesystem::exists(table));
  }
  SECTION("a MANIFEST of before") {
    const auto other = dir.path() / "other";
    { RocksStateStore store(other, resources, Kept::shutdown); }
    std::filesystem::copy_file(other / "CURRENT", state / "CURRENT",
                               std::filesystem::copy_options::overwrite_existing);
    for (const auto& entry : std::filesystem::directory_iterator(other)) {
      if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
      std::filesystem::copy_file(entry.path(), state / entry.path().filename(),
                                 std::filesystem::copy_options::overwrite_existing);
    }
    CHECK_THROWS_AS(RocksStateStore(state, resources), Corrupt);
  }
}

namespace {

// As long as it lives no memtable is written to a table.
class HeldFlushes {
 public:
  HeldFlushes() {
    for (int i = 0; i < kThreads; ++i) env_.Schedule(&wait, this, rocksdb::Env::HIGH);
  }
  ~HeldFlushes() {
    let_go_.count_down();
    ended_.wait();
  }
  HeldFlushes(const HeldFlushes&) = delete;
  HeldFlushes& operator=(const HeldFlushes&) = delete;

 private:
  static void wait(void* held) {
    auto& self = *static_cast<HeldFlushes*>(held);
    self.let_go_.wait();
    self.ended_.count_down();
  }

  rocksdb::Env& env_ = *rocksdb::Env::Default();
  const int kThreads = env_.GetBackgroundThreads(rocksdb::Env::HIGH);
  std::latch let_go_{1};
  std::latch ended_{kThreads};
};

// Of a folder, the oldest first.
std::set<std::filesystem::path> logs_in(const std::filesystem::path& folder) {
  std::set<std::filesystem::path> logs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".log") logs.insert(entry.path());
  }
  return logs;
}

}  // namespace

TEST_CASE("a log that was sealed and is gone is Corrupt, one that was written last a lost end") {
  TempDir dir;
  const std::filesystem::path killed = dir.path() / "killed";
  int written = -1;
  {
    const RocksResources resources(2 << 20, 1);
    RocksStateStore store(dir.path() / "state", resources);
    const HeldFlushes held;
    // The second log has more than one batch.
    for (int more = 3; more > 0; more -= logs_in(dir.path() / "state").size() > 1 ? 1 : 0) {
      put_numbered_batch(store, ++written);
    }
    std::filesystem::copy(dir.path() / "state", killed);
  }
  const std::set<std::filesystem::path> logs = logs_in(killed);
  REQUIRE(logs.size() == 2);
  const RocksResources resources(kBytes, 1);
  SECTION("as it was") {
    RocksStateStore store(killed, resources);
    CHECK(newest_whole_batch(store) == written);
  }
  SECTION("the sealed one is gone") {
    std::filesystem::remove(*logs.begin());
    CHECK_THROWS_AS(RocksStateStore(killed, resources), Corrupt);
  }
  SECTION("the sealed one is cut") {
    std::filesystem::resize_file(*logs.begin(), std::filesystem::file_size(*logs.begin()) / 2);
    CHECK_THROWS_AS(RocksStateStore(killed, resources), Corrupt);
  }
  SECTION("the last one is gone") {
    std::filesystem::remove(*logs.rbegin());
    RocksStateStore store(killed, resources);
    const int newest = newest_whole_batch(store);
    CHECK(newest > 0);
    CHECK(newest < written);
  }
  SECTION("it is read beside its owner all the same") {
    const RocksStateReader reader(killed);
    std::string value;
    CHECK(reader.get("batch 0", value) == (written >= 0));
  }
}

TEST_CASE("a checkpoint is the state as it was, in a folder of its own") {
  TempDir dir;
  const RocksResources resources(kBytes, 2);
  RocksStateStore store(dir.path() / "state", resources);
  put_all(store, {{"k", "1"}});
  store.checkpoint(dir.path() / "copy");
  put_all(store, {{"k", "2"}});
  RocksStateStore copy(dir.path() / "copy", resources);
  CHECK(get(copy, "k") == "1");
  put_all(copy, {{"l", "copy's own"}});
  CHECK_FALSE(get(store, "l"));
}

TEST_CASE("a state is read beside its owner as it was then, and changed by nobody") {
  TempDir dir;
  const auto folder = dir.path() / "state";
  CHECK_THROWS_AS(RocksStateReader(folder), Misconfigured);
  const RocksResources resources(kBytes, 1);
  RocksStateStore store(folder, resources);
  const auto write = [&](std::string_view key, std::string_view value) {
    StateBatch batch;
    batch.put(key, value);
    store.write(batch);
  };
  write("a", "1");
  write("b", "2");
  const RocksStateReader reader(folder);
  write("a", "later");
  write("c", "later");
  std::string value;
  REQUIRE(reader.get("a", value));
  CHECK(value == "1");
  CHECK_FALSE(reader.get("c", value));
  std::string all;
  for (auto at = reader.scan("a", "z"); at->valid(); at->next()) {
    all.append(at->key()).append(at->value());
  }
  CHECK(all == "a1b2");
  CHECK(get(store, "a") == "later");
}

TEST_CASE("an index of keys in RocksDB says the same after any death") {
  TempDir dir;
  const auto folder = dir.path() / "state";
  const RocksResources resources(kBytes, 1);
  std::map<std::string, std::vector<std::int64_t>> expected;
  std::int64_t offset = 0;
  for (int life = 0; life < 12; ++life) {
    RocksStateStore store(folder, resources);
    KeyIndex index(store, {.page_bytes = 60, .fan_in = 2, .merge_least = 4, .time_every = 3});
    index.load(true);
    const ScanState scan = [&](auto from, auto to) { return store.scan(from, to); };
    for (const auto& [key, offsets] : expected) {
      std::vector<std::int64_t> found;
      for (const Posting& posting : postings_of(scan, key, Offset{offset})) {
        found.push_back(posting.offset.value);
      }
      CHECK(found == offsets);
    }
    // What is left unwritten at the end of a life is gone.
    for (int batch = 0; batch <= 9; ++batch) {
      auto told = expected;
      const std::int64_t before = offset;
      for (int record = 0; record < 7; ++record, ++offset) {
        const std::string key = "key " + std::to_string(offset * offset % 5);
        index.meet(Offset{offset}, key, Time{});
        index.add({});
        told[key].push_back(offset);
      }
      if (batch == 9) {
        offset = before;
        break;
      }
      StateBatch changes;
      index.write(changes, Offset{offset});
      store.write(changes);
      expected = std::move(told);
    }
  }
}

TEST_CASE("what stores hold in memory is charged to the one number") {
  TempDir dir;
  const RocksResources resources(kBytes, 1);
  RocksStateStore store(dir.path(), resources);
  for (int i = 0; i < 200; ++i) put_numbered_batch(store, i);
  CHECK(resources.used_bytes() > 0);
  CHECK(resources.used_bytes() <= kBytes);
}

}  // namespace sluice::testing
