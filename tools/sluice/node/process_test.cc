#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "projectors/engine/tables/row_memory.h"
#include "storage/base/errors.h"
#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/verification/scratch_folder.h"

using namespace sluice;
using sluice::testing::in_child;
using sluice::testing::TempDir;

TEST_CASE("a scratch folder goes with its command, and the next one takes what a killed one left") {
  const TempDir dir;
  const auto folders = [&] {
    return std::distance(std::filesystem::directory_iterator(dir.path()), {});
  };
  {
    const ScratchFolder first(dir.path());
    std::ofstream(first.path() / "data") << "x";
    CHECK(folders() == 1);
  }
  CHECK(folders() == 0);
  in_child([&]() -> int {
    const ScratchFolder killed(dir.path());
    std::ofstream(killed.path() / "data") << "x";
    ::raise(SIGKILL);
    return 0;
  });
  CHECK(folders() == 1);
  const ScratchFolder living(dir.path());
  CHECK(folders() == 1);
  const ScratchFolder beside(dir.path());
  CHECK(folders() == 2);
}

TEST_CASE("the first TERM asks to stop, the second ends the process") {
  const int once = in_child([]() -> int {
    const Shutdown shutdown;
    ::kill(::getpid(), SIGTERM);
    shutdown.wait();
    return shutdown.token().stop_requested() ? 7 : 8;
  });
  CHECK(WEXITSTATUS(once) == 7);
  const int twice = in_child([]() -> int {
    const Shutdown shutdown;
    ::kill(::getpid(), SIGTERM);
    shutdown.wait();
    ::kill(::getpid(), SIGTERM);
    for (;;) ::pause();
  });
  CHECK(WEXITSTATUS(twice) == 128 + SIGTERM);
}

TEST_CASE("the shares of memory are not more than there is") {
  const std::uint64_t total =
      GENERATE(as<std::uint64_t>{}, kLeastMemory, 512 << 20, std::uint64_t{64} << 30);
  const int projectors = GENERATE(1, 4, 64);
  const bool ingest = GENERATE(true, false);
  const MemoryBudget share = divide_memory(total, {.ingest = ingest, .projectors = projectors});
  const auto parts = static_cast<std::uint64_t>(projectors);
  CHECK(share.ingest + share.log + share.state + share.dedupe + share.dirty_rows +
            share.row_cache <=
        (total - kOwnMemory) / 4 * 3);
  CHECK(share.dirty_rows / parts >= 64 << 10);
  // As what shares them out to partitions has it.
  CHECK_NOTHROW(RowMemory({share.dirty_rows, share.row_cache, share.orders}, projectors));
  CHECK((share.ingest > 0) == ingest);
}
