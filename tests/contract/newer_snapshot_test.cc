// A snapshot that a newer program has made, as an older one meets it.

#include <catch2/catch.hpp>
#include <fstream>

#include "storage/base/errors.h"
#include "tests/support/temp_dir.h"
#include "tools/sluice/snapshots/files.h"
#include "tools/sluice/snapshots/folder.h"
#include "tools/sluice/snapshots/making.h"

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;

const Time kNow{std::chrono::milliseconds{1'700'000'000'000}};

SnapshotDescription described() {
  return {.projection = "tally",
          .generation = 2,
          .generation_id = "g",
          .partition = Partition{3},
          .position = Offset{9},
          .digest = {},
          .made_at = kNow,
          .files = {}};
}

// What this program would write, under the number of a form that it does not know, and with what it
// does not know in it. The checksum is true.
std::string of_next_form() {
  std::string text = json_of(described());
  text.erase(text.rfind(",\"checksum\""));
  const std::string format = "\"format\":1";
  text.replace(text.find(format), format.size(), "\"format\":2,\"more\":{}");
  return text + ",\"checksum\":\"" + checksum_of(text) + "\"}\n";
}

}  // namespace

TEST_CASE("a newer program's snapshot is refused by name, kept, and not written over") {
  const TempDir dir;
  const fs::path path = dir.path() / "snapshots/tally/g/3/9";
  fs::create_directories(path);
  const fs::path description = path / kDescriptionFile;
  std::ofstream(description) << of_next_form();
  const auto only = [&] { return find_snapshots(dir.path() / "snapshots").at(0); };
  CHECK(only().fault == SnapshotFault::version);
  const auto faults = verify_snapshot(only());
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].fault == "version");

  const Pruned pruned = prune_snapshots({only()}, {.keep = 0}, kNow + std::chrono::hours(24 * 30));
  CHECK((pruned.kept == 1 && pruned.removed == 0));
  fs::create_directory(dir.path() / "checkpoint");
  CHECK_THROWS_WITH(
      put_snapshot(dir.path() / "snapshots", dir.path() / "checkpoint", described(), {}),
      Catch::Contains(path.string()) && Catch::Contains("newer program"));
  CHECK(fs::exists(description));

  // Where the checksum is not that of its bytes nobody knows what it is.
  std::string torn = of_next_form();
  torn.replace(torn.find("more"), 4, "less");
  std::ofstream(description) << torn;
  CHECK(only().fault == SnapshotFault::torn);
  CHECK(prune_snapshots({only()}, {.keep = 1}, kNow).removed == 1);
}

}  // namespace sluice::testing
