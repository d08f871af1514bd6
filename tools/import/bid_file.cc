#include "tools/import/bid_file.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "schemas/descriptors/rules.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/import/cell.h"
#include "tools/import/csv.h"
#include "tools/sluice/client/rfc3339.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostMoney = 9007199254740991;  // what ingest takes
constexpr std::size_t kMostProduct = 200;

// The file's name without its endings.
std::string plain_name(const fs::path& file) {
  std::string name = file.filename().string();
  for (const std::string_view ending : {".gz", ".csv"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

std::string bidder_of(const CsvFile& file, const CsvFile::Row& row, std::size_t column) {
  std::string_view bidder = row.fields[column];
  if (bidder.starts_with("0x")) bidder.remove_prefix(2);
  if (!is_id(bidder)) file.fail(row, column, "not an address");
  return std::string(bidder);
}

std::optional<fs::path> boosts_beside(const fs::path& file) {
  for (const char* name : {"boosted.csv", "boosted.csv.gz"}) {
    const fs::path path = file.parent_path() / name;
    if (fs::exists(path)) return path;
  }
  return std::nullopt;
}

std::set<std::string> read_boosted(const fs::path& path) {
  const CsvFile file = CsvFile::read(path);
  const std::size_t bidder = file.column("bidder");
  const std::size_t boosted = file.column("boosted");
  std::set<std::string> bidders;
  for (const CsvFile::Row& row : file.rows()) {
    const auto yes = cell::flag(row.fields[boosted]);
    if (!yes) file.fail(row, boosted, "neither true nor false");
    std::string id = bidder_of(file, row, bidder);
    if (*yes) bidders.insert(std::move(id));
  }
  return bidders;
}

std::string event(const std::string& id, std::string_view type, std::optional<std::int64_t> time,
                  const std::string& data) {
  std::string text = "{\"specversion\":\"1.0\",\"id\":" + json_string(id) +
                     ",\"source\":\"sluice/import/bids\",\"type\":\"" + std::string(type) +
                     "\",\"actor\":\"import\",\"actorrole\":\"service\"";
  if (time) text += ",\"time\":\"" + rfc3339(*time) + "\"";
  return text + ",\"data\":{" + data + "}}";
}

// What a boost adds to the score is the weight, as alpha and gamma are 1: in integers, exact.
std::int64_t weight_of(const LedgerBid& bid) {
  return bid.boosted ? bid.total * 105 / 100 - bid.total : 0;
}

// By content, so that the bid of another row of a later file is another. The second of bids that
// are equal in it is numbered 2, and so on.
std::string name_of(const LedgerBid& bid, std::map<std::string, int>& seen) {
  std::string name = bid.bidder + ":" + std::to_string(bid.total) + ":" + std::to_string(bid.time);
  const int number = ++seen[name];
  return number == 1 ? name : name + ":" + std::to_string(number);
}

}  // namespace

BidFile read_bid_file(const fs::path& path, const std::optional<fs::path>& boosts) {
  const CsvFile file = CsvFile::read(path);
  const std::size_t bidder = file.column("bidder");
  const std::size_t total = file.column("total_amount_mist");
  const std::size_t time = file.column("timestamp_ms");
  const auto boost_list = boosts ? boosts : boosts_beside(path);
  const auto boosted = boost_list ? read_boosted(*boost_list) : std::set<std::string>();
  BidFile read{plain_name(path), {}};
  for (const CsvFile::Row& row : file.rows()) {
    LedgerBid bid{read.bids.size() + 1, bidder_of(file, row, bidder), file.number(row, total),
                  file.number(row, time)};
    if (bid.total < 0 || bid.total > kMostMoney) {
      file.fail(row, "total_amount_mist must be 0 to " + std::to_string(kMostMoney));
    }
    if (!is_storable(bid.time)) file.fail(row, "timestamp_ms is no time of the years 1 to 9999");
    bid.boosted = boosted.contains(bid.bidder);
    read.bids.push_back(std::move(bid));
  }
  if (read.bids.empty()) throw Misconfigured(path.string() + " has no bids");
  std::ranges::stable_sort(read.bids, {}, &LedgerBid::time);
  return read;
}

std::size_t bid_event_count(const BidFile& from) {
  constexpr std::size_t kAround = 2;  // created, closed
  return from.bids.size() + kAround;
}

void bid_events(const BidFile& from, const BidSale& sale,
                const std::function<void(const std::string&, std::string)>& post) {
  if (!is_id(sale.session_id)) {
    throw Misconfigured(
        "\"" + sale.session_id +
        "\" cannot be an id (1 to 64 of A-Z a-z 0-9 . _ ~ -): name one with --session-id");
  }
  const std::string ids = "import:" + sale.session_id + ":";
  const std::string session = "\"session_id\":" + json_string(sale.session_id);
  // Cut between characters.
  std::string product = from.name.substr(0, kMostProduct);
  while (product.size() < from.name.size() && (from.name[product.size()] & 0xc0) == 0x80) {
    product.pop_back();
  }
  post(event(ids + "created", "session.created", std::nullopt,
             session + ",\"owner_id\":\"import\",\"product\":" + json_string(product) +
                 ",\"upset_price\":0,\"inventory\":" + std::to_string(sale.inventory) +
                 ",\"alpha\":1,\"beta\":0,\"gamma\":1,\"starts_at\":\"" +
                 rfc3339(from.bids.front().time) + "\""),
       "session.created");
  std::map<std::string, int> seen;
  for (const LedgerBid& bid : from.bids) {
    post(event(ids + name_of(bid, seen), "bid.placed", bid.time,
               session + ",\"user_id\":" + json_string(bid.bidder) + ",\"price\":" +
                   std::to_string(bid.total) + ",\"weight\":" + std::to_string(weight_of(bid))),
         "row " + std::to_string(bid.row));
  }
  post(event(ids + "closed", "session.closed", std::nullopt, session), "session.closed");
}

}  // namespace sluice
