#pragma once

// Flash sales: sessions, bids, and who wins. Rows: schemas/auction/tables.proto; why the fold keeps
// them so is in this folder's README.

#include <optional>
#include <string>
#include <string_view>

#include "auction/events.pb.h"
#include "auction/tables.pb.h"
#include "projectors/auction/standing.h"
#include "projectors/engine/order_index.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"

namespace sluice {

class Auction {
 public:
  using Event = auction::Event;
  static constexpr int kVersion = 1;

  explicit Auction(Tables& tables);

  // The fact has met its rules: what is required is there and defaults are written.
  void fold(const Event& event, const Record& record, Effects& effects);
  // A session starts or ends.
  void fire(const Timer& timer, Effects& effects);
  // The statistics and leaderboards of sessions whose bids changed.
  void refresh();

 private:
  void create(const auction::SessionCreated& fact, const Record& record, Effects& effects);
  void change(const auction::SessionChanged& fact, const Record& record, Effects& effects);
  void close(const auction::SessionClosed& fact, const Record& record, Effects& effects);
  void place(const auction::BidPlaced& fact, const Record& record, Effects& effects);
  // Why the bid is not admitted; empty: it is.
  [[nodiscard]] std::string_view refuse(const auction::BidPlaced& fact, const Record& record) const;
  // Opens the session if it is time, and sets its timers anew.
  void schedule(auction::Session& session, Time record_time, Effects& effects);
  // For good: the ranking appears with the status.
  void close(const std::string& session_id, Time at);
  // Returns how many bids there are.
  std::int64_t rank_all(const auction::Session& session);
  void refresh_stats(const auction::Session& session);
  void refresh_leaderboard(const std::string& session_id);
  // The bid at the session's last winning rank, or the last; null without bids.
  [[nodiscard]] const auction::Bid* marginal_bid(const auction::Session& session);

  Table<auction::Session> sessions_;
  Table<auction::SessionStats> stats_;
  Table<auction::Bid> bids_;
  Table<auction::Leaderboard> leaderboards_;
  Table<auction::Ranking> rankings_;
  OrderIndex<auction::Bid, auction_rules::ByScore> by_score_;
  OrderIndex<auction::Bid, auction_rules::ByPrice> by_price_;
};

}  // namespace sluice
