// Changes a store or a log for ever and reports on stdout, a number a line, what it has been told
// is kept. Tests kill it and look at what is there then.

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "storage/rocksdb/rocks_state_store.h"
#include "tests/contract/numbered_batch.h"

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
  std::fprintf(stderr, "victim: write DIR kill|shutdown FIRST, clear DIR\n");
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
