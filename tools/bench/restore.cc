// What snapshots of a partition's state cost, and what is begun from one of them, a second.
//
// usage: bench_restore [KEYS] [FOLDER]     FOLDER: where snapshots are put; beside the state when
// not given

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "storage/rocksdb/rocks_state_store.h"
#include "tests/support/temp_dir.h"
#include "tools/bench/cpu_time.h"
#include "tools/sluice/snapshots/folder_snapshots.h"
#include "tools/sluice/snapshots/making.h"

namespace sluice::bench {
namespace {

namespace fs = std::filesystem;

using std::chrono::duration;
using std::chrono::steady_clock;

constexpr int kBatch = 10'000;
constexpr std::size_t kValueBytes = 100;
const SnapshotPlace kPlace{"bench", "g", Partition{0}};

template <class Work>
double seconds(Work work) {
  const auto begun = steady_clock::now();
  work();
  return duration<double>(steady_clock::now() - begun).count();
}

// Keys in no order, as a fold has them.
std::string key_of(std::uint64_t number) {
  std::uint64_t mixed = number * 0x9e3779b97f4a7c15;
  return std::string(reinterpret_cast<const char*>(&mixed), sizeof mixed) + std::to_string(number);
}

void fill(RocksStateStore& store, std::uint64_t from, std::uint64_t to) {
  StateBatch batch;
  for (std::uint64_t number = from; number < to;) {
    batch.clear();
    for (int i = 0; i < kBatch && number < to; ++i, ++number) {
      std::string value(kValueBytes, ' ');
      for (char& letter : value) letter = static_cast<char>('a' + std::rand() % 16);
      batch.put(key_of(number), value);
    }
    store.write(batch);
  }
}

class Bench {
 public:
  Bench(std::uint64_t keys, const char* folder)
      : keys_(keys),
        folder_(folder != nullptr ? fs::path(folder) / "bench" : dir_.path() / "kept") {
    open();
    fill(*store_, 0, keys_);
  }
  ~Bench() { fs::remove_all(folder_); }

  void make(const char* what, std::int64_t position) {
    const fs::path checkpoint = dir_.path() / "checkpoint";
    double worker = seconds([&] { store_->begin_flush(); });
    while (store_->flushing()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    worker += seconds([&] { store_->checkpoint(checkpoint); });
    SnapshotDescription says;
    says.projection = kPlace.projection;
    says.generation_id = kPlace.generation_id;
    says.position = Offset{position};
    MadeSnapshot made;
    const double beside =
        seconds([&] { made = put_snapshot(folder_, checkpoint, std::move(says), {}); });
    fs::remove_all(checkpoint);
    std::printf("| %s | %.0f MB, %.0f MB linked | %.3f s of the worker, %.2f s beside it |\n", what,
                static_cast<double>(made.says.bytes()) / 1e6,
                static_cast<double>(made.linked) / 1e6, worker, beside);
  }

  void restore() {
    store_.reset();
    fs::remove_all(state());
    open();
    Restorations restorations;
    FolderSnapshots snapshots(folder_, kPlace, *store_, state(), restorations);
    bool restored = false;
    const auto cpu = process_cpu();
    const double took = seconds([&] { restored = snapshots.restore(snapshots.list().at(0)); });
    std::string value;
    if (!restored || !store_->get(key_of(keys_ / 2), value)) std::abort();
    std::printf(
        "| begun from | %.0f keys | %.2f s, %.2f s of a processor: %.1f million keys a second |\n",
        static_cast<double>(keys_), took, duration<double>(process_cpu() - cpu).count(),
        static_cast<double>(keys_) / took / 1e6);
  }

  void change_some() { fill(*store_, 0, keys_ / 100); }

 private:
  [[nodiscard]] fs::path state() const { return dir_.path() / "state" / "0"; }
  void open() {
    fs::create_directories(state().parent_path());
    store_ = std::make_unique<RocksStateStore>(state(), resources_);
  }

  const std::uint64_t keys_;
  const testing::TempDir dir_;
  const fs::path folder_;
  const RocksResources resources_{std::size_t{256} << 20, 1};
  std::unique_ptr<RocksStateStore> store_;
};

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  const std::uint64_t keys = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5'000'000;
  sluice::bench::Bench bench(keys, argc > 2 ? argv[2] : nullptr);
  std::puts("| what | how much | |\n|---|---|---|");
  bench.make("the first snapshot", 1);
  bench.change_some();
  bench.make("the next, 1 % of the keys changed", 2);
  bench.restore();
  return 0;
}
