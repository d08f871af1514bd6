#include "tools/sluice/node/data_folder.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <sstream>

#include "storage/base/errors.h"
#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"

using namespace sluice;
using sluice::testing::in_child;
using sluice::testing::TempDir;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("a folder has one process at a time and keeps its name") {
  const TempDir dir;
  std::string name;
  {
    const DataFolder first(dir.path() / "deep" / "data");
    name = first.instance();
    CHECK(name.size() == 32);
    CHECK_THROWS_WITH(DataFolder(dir.path() / "deep" / "data"),
                      Catch::Contains("another sluice runs"));
  }
  CHECK(DataFolder(dir.path() / "deep" / "data").instance() == name);
}

TEST_CASE("a folder that a newer program has written is refused, and stays as it is") {
  const TempDir dir;
  const auto format = dir.path() / "format";
  (void)DataFolder(dir.path());
  CHECK(text_of(format) == std::to_string(kDataFormat) + "\n");
  CHECK_NOTHROW(require_known_format(dir.path()));
  const std::string newer = std::to_string(kDataFormat + 1);
  for (const std::string& says : {newer + "\n", std::string("1 and more"), std::string("\n")}) {
    INFO(says);
    write_text(format, says);
    const std::string refused = format.string() + " says";
    CHECK_THROWS_WITH(DataFolder(dir.path()), Catch::Contains("was written by a newer program") &&
                                                  Catch::Contains(refused) &&
                                                  Catch::Contains("start that program"));
    CHECK_THROWS_WITH(require_known_format(dir.path()), Catch::Contains(refused));
    CHECK(text_of(format) == says);
  }
  // From before there was a number.
  std::filesystem::remove(format);
  CHECK_NOTHROW(require_known_format(dir.path()));
  CHECK_NOTHROW(DataFolder(dir.path()));
  CHECK(text_of(format) == std::to_string(kDataFormat) + "\n");
}

TEST_CASE("a process that is killed leaves no lock") {
  const TempDir dir;
  const int status = in_child([&]() -> int {
    const DataFolder folder(dir.path());
    ::raise(SIGKILL);
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK_NOTHROW(DataFolder(dir.path()));
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  CHECK_THROWS_WITH(DataFolder("/proc/nothing/here"), Catch::Contains("/proc/nothing/here"));
}

TEST_CASE("what is in the way of a folder is named") {
  const TempDir dir;
  std::ofstream(dir.path() / "file") << "x";
  CHECK_THROWS_WITH(DataFolder(dir.path() / "file" / "data"),
                    Catch::Contains((dir.path() / "file").string() + " is no folder"));
}

TEST_CASE("nobody else may look into what is kept of people") {
  const TempDir dir;
  CHECK(closed_folder(dir.path(), "log") == dir.path() / "log");
  CHECK(std::filesystem::status(dir.path() / "log").permissions() ==
        std::filesystem::perms::owner_all);
}

TEST_CASE("a folder that holds what sluice has not made is refused, and nothing is made in it") {
  const TempDir dir;
  write_text(dir.path() / "hosts", "127.0.0.1");
  CHECK_THROWS_WITH(DataFolder(dir.path()),
                    Catch::Contains("holds hosts, which sluice has not made") &&
                        Catch::Contains("give --data an empty folder"));
  CHECK_FALSE(std::filesystem::exists(dir.path() / "lock"));
  write_text(dir.path() / "passwd", "root");
  write_text(dir.path() / "fstab", "none");
  write_text(dir.path() / "group", "root");
  CHECK_THROWS_WITH(DataFolder(dir.path()), Catch::Contains("holds fstab, group, hosts, ..."));
}

TEST_CASE("a folder of ours may hold anything, and an empty file system is empty") {
  const TempDir dir;
  SECTION("its mark is there") {
    (void)DataFolder(dir.path());
    write_text(dir.path() / "notes.txt", "mine");
  }
  SECTION("a start that was killed left its lock") { write_text(dir.path() / "lock", ""); }
  SECTION("a new file system") { std::filesystem::create_directory(dir.path() / "lost+found"); }
  CHECK_NOTHROW(DataFolder(dir.path()));
}

TEST_CASE("a folder that others may write is refused") {
  const TempDir dir;
  ::chmod(dir.path().c_str(), GENERATE(0777, 0775, 0702));
  CHECK_THROWS_WITH(DataFolder(dir.path()),
                    Catch::Contains("others may write in") && Catch::Contains("chmod go-w"));
}

TEST_CASE("a folder, and a file in it, that belongs to another user is refused") {
  if (::geteuid() != 0) return;  // nobody else can give one away
  const TempDir dir;
  const passwd* nobody = ::getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  std::filesystem::path given = dir.path();
  SECTION("the folder") {}
  SECTION("its mark") {
    write_text(dir.path() / "instance", "0123456789");
    given /= "instance";
  }
  REQUIRE(::chown(given.c_str(), nobody->pw_uid, nobody->pw_gid) == 0);
  CHECK_THROWS_WITH(DataFolder(dir.path()), Catch::Contains(given.string() + " belongs to nobody"));
}

TEST_CASE("no link is followed, and what it leads to stays as it is") {
  const TempDir dir;
  const TempDir elsewhere;
  const auto target = elsewhere.path() / "target";
  write_text(target, "kept");
  const std::string name = GENERATE("lock", "instance", "instance.new");
  std::filesystem::create_symlink(target, dir.path() / name);
  if (name == "instance.new") {
    CHECK_NOTHROW(DataFolder(dir.path()));  // what is made takes its place
  } else {
    CHECK_THROWS_WITH(DataFolder(dir.path()), Catch::Contains("is a symbolic link"));
  }
  CHECK(text_of(target) == "kept");
}

TEST_CASE("a file with a second name elsewhere is none of ours") {
  const TempDir dir;
  write_text(dir.path() / "other", "kept");
  std::filesystem::create_hard_link(dir.path() / "other", dir.path() / "lock");
  write_text(dir.path() / "instance", "0123456789");
  CHECK_THROWS_WITH(DataFolder(dir.path()), Catch::Contains("has another name elsewhere"));
}

TEST_CASE("a closed folder is no link, nor has it any below") {
  const TempDir dir;
  const TempDir elsewhere;
  SECTION("itself") {
    std::filesystem::create_symlink(elsewhere.path(), dir.path() / "state");
    CHECK_THROWS_WITH(closed_folder(dir.path(), "state"), Catch::Contains("a link to one"));
  }
  SECTION("deep in it") {
    std::filesystem::create_directories(dir.path() / "state/auction-g1/0");
    std::filesystem::create_symlink(elsewhere.path() / "x", dir.path() / "state/auction-g1/0/LOCK");
    CHECK_THROWS_WITH(closed_folder(dir.path(), "state"),
                      Catch::Contains("state/auction-g1/0/LOCK is a symbolic link"));
  }
  CHECK(std::filesystem::is_empty(elsewhere.path()));
}

TEST_CASE("the folder itself may be reached by a link of ours") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "real");
  std::filesystem::create_symlink(dir.path() / "real", dir.path() / "link");
  CHECK(DataFolder(dir.path() / "link").path() == dir.path() / "real");
  if (::geteuid() != 0) return;
  const passwd* nobody = ::getpwnam("nobody");
  REQUIRE(::lchown((dir.path() / "link").c_str(), nobody->pw_uid, nobody->pw_gid) == 0);
  CHECK_THROWS_WITH(DataFolder(dir.path() / "link"), Catch::Contains("belongs to nobody"));
}
