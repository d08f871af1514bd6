#include "storage/base/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#undef CHECK  // Catch2's from here on
#include <catch2/catch.hpp>

namespace sluice {
namespace {

void fail() { check_failed("2 == 1", "a test says so", "rules.cc", 7); }

// What a process says that ends in `work`, which must be by SIGABRT.
template <class Work>
std::string last_words(Work work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);
    work();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 1024> part{};
  for (ssize_t n = 0; (n = ::read(ends[0], part.data(), part.size())) > 0;) {
    said.append(part.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGABRT);
  return said;
}

}  // namespace

TEST_CASE("a CHECK that fails ends the process, and says which record was folded") {
  const std::string said = last_words([] {
    const RecordScope record("tally", 3, 812);
    fail();
  });
  CHECK(said ==
        "CHECK failed: 2 == 1 (a test says so) at rules.cc:7, while folding tally partition 3 "
        "offset 812\n");
  CHECK(last_words(fail) == "CHECK failed: 2 == 1 (a test says so) at rules.cc:7\n");
}

TEST_CASE("a CHECK that fails in a domain's rules is thrown, and only there") {
  const RecordScope record("tally", 3, 812);
  {
    const RulesScope rules;
    CHECK_THROWS_AS(fail(), BrokenRule);
    CHECK_THROWS_WITH(fail(), "CHECK failed: 2 == 1 (a test says so) at rules.cc:7");
  }
  CHECK_THAT(last_words(fail), Catch::Contains("partition 3"));
}

}  // namespace sluice
