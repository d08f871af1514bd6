// Snapshots as folders of files, of a state in RocksDB.

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include "storage/base/errors.h"
#include "tests/contract/folder_under_test.h"
#include "tests/contract/state_rows.h"
#include "tests/contract/state_snapshots_contract.h"
#include "tests/support/temp_dir.h"
#include "tools/sluice/snapshots/files.h"
#include "tools/sluice/snapshots/folder.h"
#include "tools/sluice/snapshots/folder_snapshots.h"
#include "tools/sluice/snapshots/making.h"

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;

using Catch::Contains;
using std::chrono::hours;

// A file system of its own.
class SharedMemoryDir {
 public:
  SharedMemoryDir() : path_("/dev/shm/sluice-snapshots-" + std::to_string(::getpid())) {
    fs::create_directories(path_);
  }
  ~SharedMemoryDir() { fs::remove_all(path_); }
  SharedMemoryDir(const SharedMemoryDir&) = delete;
  SharedMemoryDir& operator=(const SharedMemoryDir&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  const fs::path path_;
};

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void write(const fs::path& file, const std::string& text) {
  // Not through a link that the state may share.
  fs::remove(file);
  std::ofstream(file, std::ios::binary) << text;
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path());
  return all;
}

// So much that there are several tables.
void put_rows(StateStore& store, int from, int to) {
  for (int i = from; i < to; ++i) {
    put_all(store,
            {{"key " + std::to_string(i), std::string(100, static_cast<char>('a' + i % 26))}});
  }
}

Pruned prune(const FolderUnderTest& state, Pruning pruning, Time now = kMadeAt) {
  return prune_snapshots(find_snapshots(state.folder()), pruning, now);
}

}  // namespace

TEST_CASE("snapshots in folders keep the contract") {
  state_snapshots_contract([] { return std::make_unique<FolderUnderTest>(); });
}

TEST_CASE("snapshots on another file system keep the contract") {
  const SharedMemoryDir other;
  int number = 0;
  state_snapshots_contract(
      [&] { return std::make_unique<FolderUnderTest>(other.path() / std::to_string(number++)); });
}

TEST_CASE("whichever byte of it is flipped, a snapshot is torn and changes nothing") {
  FolderUnderTest state;
  put_rows(state.store(), 0, 50);
  const fs::path path = state.made(Offset{1}).path;
  put_rows(state.store(), 50, 60);
  const StateRows rows = rows_of(state.store());
  const KeptSnapshot whole = state.snapshots().list().at(0);
  REQUIRE_FALSE(whole.fault);
  for (const fs::path& file : files_of(path)) {
    const std::string text = text_of(file);
    const std::size_t step = std::max<std::size_t>(1, text.size() / 40);
    for (std::size_t at = 0; at < text.size(); at += step) {
      INFO(file << " at " << at);
      std::string flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ 4);
      write(file, flipped);
      REQUIRE_FALSE(state.snapshots().restore(whole));
    }
    for (const std::string& other : {text.substr(0, text.size() / 2), text + "x"}) {
      write(file, other);
      // Behind the line that ends the description nothing counts.
      if (file.filename() != kDescriptionFile || other.size() < text.size()) {
        REQUIRE_FALSE(state.snapshots().restore(whole));
      }
    }
    fs::remove(file);
    REQUIRE_FALSE(state.snapshots().restore(whole));
    fs::create_symlink(state.state() / "CURRENT", file);
    REQUIRE_FALSE(state.snapshots().restore(whole));
    write(file, text);
  }
  CHECK(rows_of(state.store()) == rows);
  CHECK_FALSE(fs::exists(state.state().string() + ".restoring"));
  CHECK(state.snapshots().restore(whole));
}

TEST_CASE("verify names the file that is not as it was made") {
  FolderUnderTest state;
  put_rows(state.store(), 0, 50);
  const fs::path path = state.made(Offset{1}).path;
  const auto faults = [&] { return verify_snapshot(find_snapshots(state.folder()).at(0)); };
  CHECK(faults().empty());
  write(path / "stranger", "x");
  REQUIRE(faults().size() == 1);
  CHECK(faults()[0].path == path / "stranger");
  CHECK(faults()[0].fault == "foreign");
  fs::remove(path / "stranger");
  for (const fs::path& file : files_of(path)) {
    if (file.extension() != ".sst") continue;
    std::string text = text_of(file);
    text[text.size() / 2] ^= 1;
    write(file, text);
    REQUIRE(faults().size() == 1);
    CHECK(faults()[0].path == file);
    CHECK(faults()[0].fault == "torn");
  }
  fs::remove(path / kDescriptionFile);
  REQUIRE(faults().size() == 1);
  CHECK(faults()[0].path == path);
  CHECK(faults()[0].fault == "torn");
}

TEST_CASE("a snapshot that was put where it does not belong is alien") {
  FolderUnderTest state;
  put_rows(state.store(), 0, 5);
  const fs::path path = state.made(Offset{1}).path;
  for (const char* place : {"tally/g/3/7", "tally/g/4/1", "tally/h/3/1", "roster/g/3/1"}) {
    fs::create_directories((state.folder() / place).parent_path());
    fs::copy(path, state.folder() / place);
  }
  int aliens = 0;
  for (const FoundSnapshot& found : find_snapshots(state.folder())) {
    CHECK((found.fault == SnapshotFault::alien) == (found.path != path));
    aliens += found.fault ? 1 : 0;
  }
  CHECK(aliens == 4);
  // Of another generation one is told of where there is none of its own.
  fs::remove_all(state.place());
  const auto listed = state.snapshots().list();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].path == state.folder() / "tally/h/3/1");
  CHECK(listed[0].fault == SnapshotFault::alien);
}

TEST_CASE("tables that the snapshot before has are linked, on the same file system or another") {
  const SharedMemoryDir other;
  const bool same = GENERATE(true, false);
  FolderUnderTest state(same ? fs::path() : other.path() / "linked");
  put_rows(state.store(), 0, 500);
  const MadeSnapshot first = state.made(Offset{1});
  CHECK(first.linked == 0);
  put_rows(state.store(), 500, 510);
  const MadeSnapshot second = state.made(Offset{2});
  CHECK(second.linked > 0);
  CHECK(second.linked < second.says.bytes());
  std::uint64_t linked = 0;
  for (const SnapshotFile& file : second.says.files) {
    std::error_code none;
    if (!fs::equivalent(first.path / file.name, second.path / file.name, none)) continue;
    linked += file.bytes;
    CHECK(first.says.file(file.name)->checksum == checksum_of_file(second.path / file.name));
  }
  CHECK(linked == second.linked);
  // Also once the state was restored from one, whose tables it then shares.
  REQUIRE(state.snapshots().restore(state.snapshots().list().at(0)));
  put_rows(state.store(), 510, 520);
  const MadeSnapshot third = state.made(Offset{3});
  CHECK((same ? third.linked > 0 : third.linked == 0));
  // One that is there is answered as it is.
  CHECK(state.made(Offset{3}).linked == third.says.bytes());
}

TEST_CASE("what a death has left is never begun from, and makes room for another") {
  FolderUnderTest state;
  put_rows(state.store(), 0, 5);
  const fs::path path = state.made(Offset{1}).path;
  fs::remove(path / kDescriptionFile);
  write(path / "000099.sst", "half");
  const auto listed = state.snapshots().list();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].fault == SnapshotFault::torn);
  CHECK_FALSE(state.snapshots().restore(listed[0]));
  SECTION("made again") {
    state.make(Offset{1});
    CHECK_FALSE(state.snapshots().list().at(0).fault);
    CHECK_FALSE(fs::exists(path / "000099.sst"));
    CHECK(verify_snapshot(find_snapshots(state.folder()).at(0)).empty());
  }
  SECTION("pruned") {
    CHECK(prune(state, {.keep = 5}).removed == 1);
    CHECK_FALSE(fs::exists(path));
  }
  SECTION("not while somebody makes it") {
    const FolderHold making(path, FolderHold::Kind::alone);
    REQUIRE(making.held());
    CHECK(prune(state, {.keep = 5}).removed == 0);
    CHECK_THROWS_AS(state.made(Offset{1}), Retryable);
    CHECK(fs::exists(path / "000099.sst"));
  }
}

TEST_CASE("pruning keeps the newest that are whole, and none that is too old") {
  FolderUnderTest state;
  put_rows(state.store(), 0, 5);
  for (int i = 1; i <= 5; ++i) (void)state.made(Offset{i}, kMadeAt - hours(24 * (6 - i)));
  fs::remove(state.place() / "5" / kDescriptionFile);
  const auto left = [&] {
    std::set<std::int64_t> positions;
    for (const auto& each : find_snapshots(state.folder())) positions.insert(each.position.value);
    return positions;
  };
  using Positions = std::set<std::int64_t>;
  SECTION("so many") {
    const Pruned pruned = prune(state, {.keep = 2});
    CHECK(pruned.kept == 2);
    CHECK(pruned.removed == 3);
    CHECK(left() == Positions{3, 4});
  }
  SECTION("so young") {
    prune(state, {.keep = 9, .older = hours(24 * 3)});
    CHECK(left() == Positions{3, 4});
  }
  SECTION("also the last of them") {
    prune(state, {.keep = 1}, kMadeAt + hours(24 * 30));
    CHECK(left() == Positions{});
  }
  SECTION("but not what is begun from") {
    const FolderHold restoring(state.place() / "1", FolderHold::Kind::shared);
    prune(state, {.keep = 1});
    CHECK(left() == Positions{1, 4});
  }
  SECTION("of each place") {
    fs::create_directories(state.folder() / "tally/g/4");
    fs::copy(state.place() / "1", state.folder() / "tally/g/4/1");
    prune(state, {.keep = 1});
    CHECK(left() == Positions{4});
  }
}

TEST_CASE("what is no snapshot's is named, and nothing is touched") {
  FolderUnderTest state;
  put_rows(state.store(), 0, 5);
  const fs::path path = state.made(Offset{1}).path;
  fs::create_directory(state.folder() / "lost+found");
  const fs::path stranger =
      state.folder() / GENERATE("notes.txt", "tally/notes", "tally/g/notes", "tally/g/3/notes");
  SECTION("a file") { write(stranger, "mine"); }
  SECTION("a link") { fs::create_directory_symlink(state.state(), stranger); }
  SECTION("a folder of another name") { fs::create_directory(stranger.parent_path() / ".x"); }
  const fs::path named =
      fs::exists(fs::symlink_status(stranger)) ? stranger : stranger.parent_path() / ".x";
  CHECK_THROWS_WITH(find_snapshots(state.folder()), Contains(named.string()));
  put_rows(state.store(), 5, 6);
  CHECK_THROWS_WITH(state.made(Offset{2}), Contains(named.string()));
  CHECK_FALSE(fs::exists(state.place() / "2"));
  CHECK(fs::exists(fs::symlink_status(named)));
  // Who lost its state does not mind.
  CHECK(state.snapshots().restore(state.snapshots().list().at(0)));
}

TEST_CASE("a folder that cannot be made, or is another's, is named") {
  const TempDir dir;
  const fs::path file = dir.path() / "file";
  write(file, "x");
  FolderUnderTest below(file / "snapshots");
  put_rows(below.store(), 0, 5);
  CHECK_THROWS_WITH(below.made(Offset{1}), Contains(file.string()));
  FolderUnderTest open_to_all(dir.path() / "open");
  put_rows(open_to_all.store(), 0, 5);
  fs::create_directory(dir.path() / "open");
  fs::permissions(dir.path() / "open", fs::perms::all);
  CHECK_THROWS_WITH(open_to_all.made(Offset{1}), Contains("others may write in"));
  CHECK(fs::is_empty(dir.path() / "open"));
}

TEST_CASE("a disk that takes no more is named, and nothing is left of what was begun") {
  const SharedMemoryDir other;
  FolderUnderTest state(other.path() / "full");
  put_rows(state.store(), 0, 500);
  (void)state.made(Offset{1});
  put_rows(state.store(), 500, 1000);
  {
    // No file of this process may grow beyond it, which is told as a full disk is.
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit little{1000, before.rlim_max};
    state.checkpoint();
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &little) == 0);
    CHECK_THROWS_WITH(state.put(Offset{2}), Contains((state.place() / "2").string()));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
  }
  CHECK_FALSE(fs::exists(state.place() / "2"));
  CHECK(verify_snapshot(find_snapshots(state.folder()).at(0)).empty());
  CHECK(state.made(Offset{2}).linked > 0);
}

TEST_CASE("a description is read as it was written, and nothing else is one") {
  SnapshotDescription said{.projection = "tally",
                           .generation = 2,
                           .generation_id = "g",
                           .partition = Partition{3},
                           .version = 7,
                           .position = Offset{812},
                           .digest = Digest{0xfedcba9876543210},
                           .published = 5,
                           .made_at = kMadeAt,
                           .seconds = 0.5,
                           .files = {{"a.sst", 10, checksum_of("x"), 5}}};
  const std::string text = json_of(said);
  const auto read = parse_description(text);
  REQUIRE(read);
  CHECK(json_of(*read) == text);
  CHECK(read->digest == said.digest);
  CHECK(read->bytes() == 10);
  said.files[0].name = "../a.sst";
  CHECK_FALSE(parse_description(json_of(said)));
  for (const char* other : {"", "{}", "[]", "null"}) CHECK_FALSE(parse_description(other));
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    CHECK_FALSE(parse_description(text.substr(0, size)));
  }
}

}  // namespace sluice::testing
