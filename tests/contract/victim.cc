// Changes a store or a log for ever and reports on stdout, a number a line, what it has been told
// is kept. Tests kill it and look at what is there then.

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "storage/embedded/embedded_log.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tests/contract/numbered_batch.h"
#include "tests/contract/victim.h"

namespace sluice::testing {
namespace {

void report(int number) {
  const std::string line = std::to_string(number) + "\n";
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) std::perror("report");
}

// Small memtables, so that flushes and compactions go on meanwhile.
RocksResources small_resources() { return RocksResources(2 << 20, 1); }

void write_batches(const char* directory, RocksStateStore::KeptThrough kept, int first) {
  const RocksResources resources = small_resources();
  RocksStateStore store(directory, resources, kept);
  for (int number = first;; ++number) {
    put_numbered_batch(store, number);
    report(number);
  }
}

void clear_once(const char* directory) {
  const RocksResources resources = small_resources();
  RocksStateStore store(directory, resources);
  report(0);
  store.clear();
  report(1);
  while (true) pause();
}

// In appends of a few records from several threads, so that they are committed in groups.
void append_records(const char* directory, const char* stream) {
  const auto log = EmbeddedLog::open(directory, {});
  log->create(stream, kVictimPartitions);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kVictimPartitions; ++i) {
    threads.emplace_back([&log, stream, partition = Partition{i}] {
      const auto writer = log->writer();
      while (true) {
        std::vector<NewRecord> records(3, NewRecord{partition, "key", "value"});
        writer->append(stream, records);
        report(static_cast<int>(records.back().offset.value) * kVictimPartitions + partition.value);
      }
    });
  }
}

int run(int count, char** arguments) {
  const std::string deed = count > 2 ? arguments[1] : "";
  if (deed == "write" && count == 5) {
    const bool kill = std::strcmp(arguments[3], "kill") == 0;
    write_batches(
        arguments[2],
        kill ? RocksStateStore::KeptThrough::kill : RocksStateStore::KeptThrough::shutdown,
        std::stoi(arguments[4]));
  }
  if (deed == "clear") clear_once(arguments[2]);
  if (deed == "append" && count == 4) append_records(arguments[2], arguments[3]);
  std::fprintf(stderr, "victim: write DIR kill|shutdown FIRST, clear DIR, append DIR STREAM\n");
  return 2;
}

}  // namespace
}  // namespace sluice::testing

int main(int count, char** arguments) {
  try {
    return sluice::testing::run(count, arguments);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "victim: %s\n", e.what());
    return 2;
  }
}
