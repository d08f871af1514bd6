// The defects of the system that the auction domain replaces, by their names there: each test would
// show the defect. "51 queries a page" is about Postgres and stands in tests/integration.

#include <catch2/catch.hpp>
#include <optional>

#include "projectors/auction/projection.h"
#include "projectors/engine/run/projector.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/ample_memory.h"
#include "tests/support/auction_facts.h"

namespace sluice {
namespace {

using namespace auctions;
using std::chrono::milliseconds;

constexpr Partition kOnly{0};
constexpr const char* kStream = "auction.events";

Generation generation() {
  return {.projection = "auction",
          .unique_id = "g",
          .version = Auction::kVersion,
          .partitions = 1,
          .dedupe_horizon = std::chrono::hours(1),
          .live = true};
}

// One session "s" of a log, and the view of it.
class Sale {
 public:
  explicit Sale(Terms terms = {}) : writer(log.writer()), views(generation()) {
    log.create(kStream, 1);
    post(created("s", "olga", terms));
  }

  // Acknowledged: the log has it. Stamped now, unless said otherwise.
  void post(const Event& event, const std::string& id = "",
            std::optional<std::int64_t> stamp = std::nullopt) {
    Envelope envelope;
    envelope.set_id(id.empty() ? std::to_string(++posted_) : id);
    envelope.set_key("s");
    *envelope.mutable_actor() = service();
    envelope.set_recorded_at(stamp.value_or(now));
    envelope.set_payload(event.SerializeAsString());
    const std::string value = envelope.SerializeAsString();
    NewRecord record{kOnly, "s", value};
    writer->append(kStream, {&record, 1});
  }

  template <class Row>
  std::vector<Row> rows() const {
    std::vector<Row> all;
    views.for_each_row<Row>([&](const Row& row) { all.push_back(row); });
    return all;
  }
  [[nodiscard]] std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const Rejection& rejection : views.rejections(kOnly)) all.push_back(rejection.reason);
    return all;
  }

  std::int64_t now = kBegin;
  MemoryLog log{[this] { return Time{milliseconds(now)}; }};
  std::unique_ptr<EventWriter> writer;
  MemoryViews views;

 private:
  int posted_ = 0;
};

// Folds the sale's log, until it is killed.
class Process {
 public:
  explicit Process(Sale& sale) : sale_(sale), sink_(sale.views) { restart(); }

  // As after kill -9: memory is lost.
  void restart() {
    static int takings = 0;
    projector_.reset();
    store_.emplace(state_);
    projector_.emplace(projection_, generation(), kOnly, std::to_string(++takings),
                       ProjectorParts{*store_, sink_, emitter_, probe_, memory_});
    position_ = projector_->claim(sale_.log.range(kStream, kOnly));
  }
  void fold() {
    for (const auto& stored : sale_.log.records(kStream, kOnly)) {
      if (stored.offset < position_) continue;
      projector_->fold({kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()});
      position_ = stored.offset.next();
    }
  }
  void flush() {
    fold();
    projector_->flush(sale_.log.range(kStream, kOnly).end);
  }
  [[nodiscard]] Probe::Totals totals() const { return probe_.totals(); }

 private:
  Sale& sale_;
  const Projection projection_ = describe<Auction>("auction");
  MemoryState state_;
  std::optional<MemoryStateStore> store_;
  Probe probe_;
  RowMemory memory_ = ample_memory();
  MemorySink sink_;
  Emitter emitter_{*sale_.writer, sale_.log, 1};
  std::optional<Projector> projector_;
  Offset position_;
};

Terms ending(std::int64_t ends) {
  Terms terms;
  terms.inventory = 1;
  terms.beta = terms.gamma = 0;
  terms.ends_at = kBegin + ends;
  return terms;
}

std::string user(int n) { return "u" + std::to_string(n); }

}  // namespace

TEST_CASE("bids accepted after the end") {
  Sale sale(ending(1000));
  Process process(sale);
  sale.post(bid("s", "ann", 5));
  process.flush();  // the session is open, and everybody has just read so
  sale.now = kBegin + 1000;
  sale.post(bid("s", "ben", 9));
  sale.post(bid("s", "cat", 9), "", kBegin + 999);  // in the log behind the end
  process.flush();
  CHECK(sale.reasons() == std::vector<std::string>{"session.ended", "session.ended"});
  CHECK(sale.rows<auction::Bid>().size() == 1);
  CHECK(sale.rows<auction::Ranking>().at(0).user_id() == "ann");
}

TEST_CASE("a bid replaced while it was being saved, lost") {
  Sale sale(ending(100'000));
  Process process(sale);
  for (int i = 1; i <= 200; ++i) {
    sale.post(bid("s", "ann", i));
    process.fold();
    if (i % 3 == 0) process.flush();
    sale.post(bid("s", "ann", 1000 + i));  // what was just saved is replaced
    if (i % 7 == 0) process.restart();
  }
  process.flush();
  CHECK(sale.rows<auction::Bid>().at(0).price() == 1200);
  CHECK(sale.rows<auction::Bid>().at(0).bid_count() == 400);
}

TEST_CASE("a winner crowned from a table that lagged") {
  Sale sale(ending(1000));
  Process process(sale);
  sale.post(bid("s", "ann", 5));
  process.flush();
  // The table has ann first; ben bids, and the session closes, before it is written again.
  sale.post(bid("s", "ben", 9));
  sale.now = kBegin + 1000;
  sale.post(closed("s"));
  process.fold();
  process.restart();
  process.flush();
  CHECK(sale.rows<auction::Ranking>().at(0).user_id() == "ben");
  CHECK(sale.rows<auction::Ranking>().at(0).is_winner());
  CHECK(sale.rows<auction::Leaderboard>().at(0).user_id() == "ben");
}

TEST_CASE("ties by user id live and by chance final") {
  Sale sale(ending(1000));
  Process process(sale);
  for (const int n : {7, 3, 9, 1, 5}) sale.post(bid("s", user(n), 5));
  process.flush();
  const auto live = sale.rows<auction::Leaderboard>();
  process.restart();
  sale.post(closed("s"));
  process.flush();
  const auto final = sale.rows<auction::Ranking>();
  REQUIRE(live.size() == 5);
  REQUIRE(final.size() == 5);
  const int order[] = {7, 3, 9, 1, 5};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(live[i].user_id() == user(order[i]));
    CHECK(final[i].user_id() == user(order[i]));
  }
}

TEST_CASE("highest bid meaning two things") {
  Terms terms = ending(1000);
  terms.gamma = 1;
  Sale sale(terms);
  Process process(sale);
  sale.post(bid("s", "favoured", 1, 1000));  // the top scorer
  sale.post(bid("s", "rich", 50));
  process.flush();
  CHECK(sale.rows<auction::SessionStats>().at(0).highest_bid() == 50);
  sale.post(closed("s"));
  process.flush();
  CHECK(sale.rows<auction::SessionStats>().at(0).highest_bid() == 50);
}

TEST_CASE("prices gone when a cache entry expired") {
  Sale sale(ending(7'200'000 + 1));
  Process process(sale);
  sale.post(bid("s", "ann", 5));
  process.flush();
  process.restart();
  // Two hours without a bid.
  sale.now = kBegin + 7'200'000;
  sale.post(bid("s", "ben", 3));
  process.flush();
  CHECK(sale.rows<auction::SessionStats>().at(0).highest_bid() == 5);
  CHECK(sale.rows<auction::Leaderboard>().size() == 2);
  CHECK(sale.rows<auction::Leaderboard>().at(0).price() == 5);
}

TEST_CASE("ranking read whole for one threshold") {
  constexpr int kBidders = 3000;
  Sale sale(ending(1'000'000));
  Process process(sale);
  for (int i = 0; i < kBidders; ++i) sale.post(bid("s", user(i), 10 + i));
  process.flush();
  const auto before = process.totals().rows_flushed;
  sale.post(bid("s", user(0), 5));
  process.flush();
  // The bid and the statistics; of three thousand others not one, neither read nor written.
  CHECK(process.totals().rows_flushed - before == 2);
  CHECK(sale.rows<auction::SessionStats>().at(0).threshold_score() == 10 + kBidders - 1);
}

TEST_CASE("a retry that puts an old price back") {
  Sale sale(ending(1000));
  Process process(sale);
  sale.post(bid("s", "ann", 5), "first");
  sale.post(bid("s", "ann", 9), "second");
  process.flush();
  process.restart();
  sale.post(bid("s", "ann", 5), "first");  // its producer had no answer
  process.flush();
  CHECK(sale.rows<auction::Bid>().at(0).price() == 9);
  CHECK(sale.rows<auction::Bid>().at(0).bid_count() == 2);
  CHECK(sale.reasons().empty());
}

TEST_CASE("a parameter changed while people bid") {
  Sale sale(ending(1000));
  Process process(sale);
  sale.post(bid("s", "ann", 5));
  Event change = changed("s");
  change.mutable_session_changed()->set_alpha(100);
  sale.post(change);
  sale.post(bid("s", "ben", 6));
  process.flush();
  CHECK(sale.reasons() == std::vector<std::string>{"session.started"});
  CHECK(sale.rows<auction::Session>().at(0).alpha() == 1);
  CHECK(sale.rows<auction::Leaderboard>().at(0).score() == 6);
}

TEST_CASE("a shut session opened by a second creation, or closed again at another price") {
  Sale sale(ending(1000));
  Process process(sale);
  sale.post(bid("s", "ann", 5));
  sale.post(closed("s"));
  sale.post(created("s", "olga", ending(9000)));
  sale.post(bid("s", "ann", 50));
  sale.now = kBegin + 20'000;
  sale.post(closed("s"));
  process.flush();
  CHECK(sale.reasons() == std::vector<std::string>{"session.exists", "session.ended"});
  CHECK(sale.rows<auction::Session>().at(0).final_price() == 5);
  CHECK(sale.rows<auction::Session>().at(0).closed_at() == kBegin);
}

}  // namespace sluice
