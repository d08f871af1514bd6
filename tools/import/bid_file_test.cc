#include "tools/import/bid_file.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "storage/base/errors.h"
#include "tests/support/temp_dir.h"

using namespace sluice;

namespace {

// A folder with files of these contents.
struct Files : testing::TempDir {
  std::filesystem::path with(const std::string& name, const std::string& text) {
    std::ofstream(path() / name) << text;
    return path() / name;
  }
};

const std::string kHeader = "bidder,total_amount_mist,timestamp_ms\n";

std::vector<std::string> events_of(const BidFile& from, const BidSale& sale) {
  std::vector<std::string> events;
  bid_events(from, sale, [&](const std::string& event, std::string) { events.push_back(event); });
  return events;
}

std::string complaint(const std::filesystem::path& file) {
  try {
    static_cast<void>(read_bid_file(file, std::nullopt));
  } catch (const Misconfigured& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("bids come in the order of timestamp and row, with the row of the file") {
  Files files;
  const auto file = files.with("sale.csv", kHeader + "0xa,5,30\n0xb,6,10\n0xc,7,30\n0xd,8,10\n");
  const BidFile read = read_bid_file(file, std::nullopt);
  CHECK(read.name == "sale");
  std::string order;
  for (const LedgerBid& bid : read.bids) order += bid.bidder + std::to_string(bid.row) + " ";
  CHECK(order == "b2 d4 a1 c3 ");
}

TEST_CASE("a session is created, takes every bid and is closed, all by the import as a service") {
  Files files;
  files.with("boosted.csv", "bidder,boosted\n0xab,TRUE\n0xcd,FALSE\n");
  const auto file =
      files.with("sale.csv", kHeader + "0xab,1000000019,1754046000123\n0xcd,7,1754046000124\n");
  const auto events = events_of(read_bid_file(file, std::nullopt), {"s", 3});
  REQUIRE(events.size() == 4);
  const std::string by = ",\"actor\":\"import\",\"actorrole\":\"service\"";
  CHECK(
      events[0] ==
      R"({"specversion":"1.0","id":"import:s:created","source":"sluice/import/bids",)"
      R"("type":"session.created")" +
          by +
          R"(,"data":{"session_id":"s","owner_id":"import","product":"sale","upset_price":0,)"
          R"("inventory":3,"alpha":1,"beta":0,"gamma":1,"starts_at":"2025-08-01T11:00:00.123Z"}})");
  // floor(1000000019 * 1.05) is 1050000019: 50000000 more.
  CHECK(
      events[1] ==
      R"({"specversion":"1.0","id":"import:s:ab:1000000019:1754046000123","source":"sluice/import/bids",)"
      R"("type":"bid.placed")" +
          by +
          R"(,"time":"2025-08-01T11:00:00.123Z","data":)"
          R"({"session_id":"s","user_id":"ab","price":1000000019,"weight":50000000}})");
  CHECK(events[2].find(R"("user_id":"cd","price":7,"weight":0}})") != std::string::npos);
  CHECK(events[3] == R"({"specversion":"1.0","id":"import:s:closed",)"
                     R"("source":"sluice/import/bids","type":"session.closed")" +
                         by + R"(,"data":{"session_id":"s"}})");
}

TEST_CASE("bids are known by what they say, whatever row they stand in; equal ones are numbered") {
  const std::size_t kBegin = std::string_view(R"({"specversion":"1.0","id":")").size();
  Files files;
  const auto ids = [&](const std::string& rows) {
    std::vector<std::string> found;
    for (const auto& event :
         events_of(read_bid_file(files.with("s.csv", kHeader + rows), {}), {"s", 1})) {
      found.push_back(event.substr(kBegin, event.find(",\"source\"") - kBegin - 1));
    }
    return std::vector<std::string>(found.begin() + 1, found.end() - 1);
  };
  const auto first = ids("0xa,5,30\n0xb,6,10\n0xa,5,30\n");
  CHECK(first ==
        std::vector<std::string>{"import:s:b:6:10", "import:s:a:5:30", "import:s:a:5:30:2"});
  auto grown = ids("0xc,9,20\n0xa,5,30\n0xa,5,30\n0xb,6,10\n");
  REQUIRE(grown.size() == 4);
  grown.erase(grown.begin() + 1);
  CHECK(grown == first);
}

TEST_CASE("without a boost list nobody is boosted, and one may be named") {
  Files files;
  const auto file = files.with("sale.csv", kHeader + "0xab,100,1\n");
  CHECK_FALSE(read_bid_file(file, std::nullopt).bids[0].boosted);
  const auto list = files.with("others.csv", "bidder,boosted\n0xab,TRUE\n");
  CHECK(read_bid_file(file, list).bids[0].boosted);
  CHECK_THROWS_AS(read_bid_file(file, files.path() / "missing.csv"), Misconfigured);
}

TEST_CASE("what cannot be read is refused with file and row") {
  Files files;
  CHECK(complaint(files.with("a.csv", kHeader + "0xab,5,1\n0xab,x,2\n")) ==
        "a.csv line 3: total_amount_mist is \"x\", not a whole number");
  CHECK(complaint(files.with("b.csv", kHeader + "0x a,5,1\n")) ==
        "b.csv line 2: bidder is \"0x a\", not an address");
  CHECK(complaint(files.with("c.csv", kHeader + "0xa,9007199254740992,1\n")) ==
        "c.csv line 2: total_amount_mist must be 0 to 9007199254740991");
  CHECK(complaint(files.with("d.csv", kHeader + "0xa,-1,1\n")).starts_with("d.csv line 2: "));
  CHECK(complaint(files.with("e.csv", kHeader + "0xa,1,999999999999999\n"))
            .starts_with("e.csv line 2: timestamp_ms"));
  CHECK(complaint(files.with("f.csv", kHeader + "0xa,1\n")).starts_with("f.csv line 2: "));
  CHECK(complaint(files.with("g.csv", "bidder,timestamp_ms\n0xa,1\n")) ==
        "g.csv has no column total_amount_mist; its columns: bidder, timestamp_ms");
  CHECK(complaint(files.with("h.csv", kHeader)).ends_with("has no bids"));
  CHECK(complaint(files.with("i.csv.gz", kHeader)).ends_with("i.csv.gz is not a whole gzip file"));
  CHECK(complaint(files.path() / "none.csv.gz").starts_with("cannot read "));
  files.with("boosted.csv", "bidder,boosted\n0xab,perhaps\n");
  CHECK(complaint(files.with("j.csv", kHeader + "0xa,1,1\n")) ==
        "boosted.csv line 2: boosted is \"perhaps\", neither true nor false");
  CHECK_THROWS_AS(events_of({"s", {{}}}, {"no id", 1}), Misconfigured);
}
