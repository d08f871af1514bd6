#include "storage/rocksdb/rocks_state_store.h"

#include <catch2/catch.hpp>
#include <fstream>

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

TEST_CASE("what stores hold in memory is charged to the one number") {
  TempDir dir;
  const RocksResources resources(kBytes, 1);
  RocksStateStore store(dir.path(), resources);
  for (int i = 0; i < 200; ++i) put_numbered_batch(store, i);
  CHECK(resources.used_bytes() > 0);
  CHECK(resources.used_bytes() <= kBytes);
}

}  // namespace sluice::testing
