// Does to a partition's state what nobody should: for tests that want it noticed, and mended.
//
// usage: state_editor FOLDER KEY     every other row of the key, and of each table one, is gone;
// prints
//                                    how many went
// FOLDER: of the state of one partition, which no process has open.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "projectors/engine/tables/row_key.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/rocksdb/rocks_state_store.h"

namespace sluice {
namespace {

constexpr std::size_t kTablePrefix = 4;

int run(const std::string& folder, const std::string& key) {
  const RocksResources resources(16U << 20, 1);
  RocksStateStore store(folder, resources);
  std::string begins;
  row_key::append_part(begins, key);
  StateBatch batch;
  int met = 0;
  std::string table;
  for (auto at = store.scan("\x80", ""); at->valid(); at->next()) {
    const std::string_view found = at->key();
    if (found.size() < kTablePrefix || !found.substr(kTablePrefix).starts_with(begins)) continue;
    const bool first = found.substr(0, kTablePrefix) != table;
    table.assign(found.substr(0, kTablePrefix));
    if (first || ++met % 2 == 0) batch.erase(found);
  }
  store.write(batch);
  std::printf("%zu\n", batch.size());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: see the head of tests/support/state_editor.cc\n", stderr);
    return 2;
  }
  try {
    return sluice::run(argv[1], argv[2]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "state_editor: %s\n", failure.what());
    return 2;
  }
}
