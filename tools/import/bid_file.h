#pragma once

// A real auction as its ledger has it: who raised their total to what, and when.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct LedgerBid {
  std::size_t row = 0;  // 1 is the first behind the header
  std::string bidder;   // without its 0x
  std::int64_t total = 0;
  std::int64_t time = 0;  // milliseconds since 1970
  bool boosted = false;
};

struct BidFile {
  std::string name;             // of the file, without .csv and .gz
  std::vector<LedgerBid> bids;  // in the order (time, row)
};

// Reads `file`: bidder, total_amount_mist, timestamp_ms; and `boosts`: bidder, boosted; without it
// boosted.csv or boosted.csv.gz beside `file`, and without that nobody is. Names that end in .gz
// are unpacked. Misconfigured, with file and row, when a row cannot be read or there is none.
[[nodiscard]] BidFile read_bid_file(const std::filesystem::path& file,
                                    const std::optional<std::filesystem::path>& boosts);

struct BidSale {
  std::string session_id;
  std::int64_t inventory = 1;
};

[[nodiscard]] std::size_t bid_event_count(const BidFile& from);

// The events of one session that is created, takes every bid and is closed, in order, each as a
// line of JSON with what it is made of: `post(event, origin)`. A bid's event id is made of bidder,
// total and time. Misconfigured when session_id is no id.
void bid_events(const BidFile& from, const BidSale& sale,
                const std::function<void(const std::string&, std::string)>& post);

}  // namespace sluice
