#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auction/events.pb.h"
#include "auction/tables.pb.h"
#include "sluice/envelope.pb.h"

namespace sluice {

// What the auction domain must do, told once more and otherwise: no timers, no index, no
// statistics. Whether a session is open is asked of the record time; everything shown is sorted and
// counted anew from the standing bids.
class AuctionModel {
 public:
  struct Posted {
    const auction::Event& event;
    const Actor& actor;
    std::int64_t recorded_at = 0;
    std::optional<std::int64_t> occurred_at;
    std::int64_t position = 0;
  };

  // A record was stamped so.
  void pass(std::int64_t recorded_at);
  // Returns the reason for which it is rejected, or "".
  std::string post(const Posted& posted);

  // Rows as readers must see them.
  [[nodiscard]] std::vector<auction::Session> sessions() const;
  [[nodiscard]] std::vector<auction::SessionStats> stats() const;
  [[nodiscard]] std::vector<auction::Bid> bids() const;
  [[nodiscard]] std::vector<auction::Leaderboard> leaderboards() const;
  [[nodiscard]] std::vector<auction::Ranking> rankings() const;

 private:
  struct Session {
    auction::Session row;
    std::map<std::string, auction::Bid> bids;
  };

  void pass(Session& session) const;
  [[nodiscard]] bool times_fit(const auction::Session& row) const;
  std::string create(const auction::SessionCreated& fact, const Posted& posted);
  std::string change(const auction::SessionChanged& fact, const Actor& actor);
  std::string close(const auction::SessionClosed& fact, const Posted& posted);
  std::string place(const auction::BidPlaced& fact, const Posted& posted);
  static std::vector<auction::Bid> best_first(const Session& session);
  static std::vector<auction::Ranking> rank(const Session& session);

  std::map<std::string, Session> sessions_;
  std::int64_t record_time_ = 0;
};

}  // namespace sluice
