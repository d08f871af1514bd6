#include "ingest/http/memory_ledger.h"

#include <catch2/catch.hpp>
#include <memory>
#include <utility>

namespace sluice::http {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

}  // namespace

TEST_CASE("a share is given back when it ends, is moved over or becomes smaller") {
  const auto ledger = std::make_shared<MemoryLedger>(8 * kMebibyte);
  {
    MemoryShare share(ledger);
    CHECK(share.resize(1));
    CHECK(ledger->held() == 4096);
    CHECK(share.resize(100'000));
    CHECK(ledger->held() == 102'400);
    MemoryShare other(std::move(share));
    CHECK(ledger->held() == 102'400);
    CHECK(other.resize(4096));
    CHECK(ledger->held() == 4096);
    other = MemoryShare(ledger);
    CHECK(ledger->held() == 0);
    CHECK(other.resize(5000));
  }
  CHECK(ledger->held() == 0);
}

TEST_CASE("what there is not is not given, and the share keeps what it had") {
  const auto ledger = std::make_shared<MemoryLedger>(kMebibyte);
  MemoryShare small(ledger);
  CHECK(small.resize(100'000));
  MemoryShare large(ledger);
  CHECK_FALSE(large.resize(kMebibyte));
  CHECK(large.held() == 0);
  CHECK(ledger->held() == small.held());
  SECTION("a reply is there already") {
    large.set(2 * kMebibyte);
    CHECK(ledger->held() == 2 * kMebibyte + small.held());
    CHECK_FALSE(small.resize(200'000));
    large.set(0);
    CHECK(small.resize(200'000));
  }
}

TEST_CASE("large shares leave an eighth to small ones") {
  const auto ledger = std::make_shared<MemoryLedger>(8 * kMebibyte);
  MemoryShare large(ledger);
  CHECK_FALSE(large.resize(7 * kMebibyte + 4096));
  CHECK(large.resize(7 * kMebibyte));
  MemoryShare small(ledger);
  CHECK(small.resize(200'000));
  MemoryShare other(ledger);
  CHECK_FALSE(other.resize(300'000));
}

TEST_CASE("a large share asks whether the process has room, a small one does not") {
  std::size_t asked = 0;
  const auto ledger = std::make_shared<MemoryLedger>(8 * kMebibyte, [&](std::size_t more) {
    asked += more;
    return false;
  });
  MemoryShare share(ledger);
  CHECK(share.resize(200'000));
  CHECK(asked == 0);
  CHECK_FALSE(share.resize(kMebibyte));
  CHECK(asked == kMebibyte - share.held());
}

}  // namespace sluice::http
