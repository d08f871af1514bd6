#pragma once

// What bidders of a flash sale post: a thousand people who bid again and again, faster and higher
// the nearer the end.

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "auction/events.pb.h"
#include "storage/base/position.h"
#include "tools/simulate/posted_fact.h"
#include "tools/simulate/random.h"

namespace sluice::simulate {

// Money is in coins of a hundred minor units; alpha makes up for that.
struct AuctionShape {
  std::string session_id = "flash";
  int users = 1000;
  double seconds = 300;  // that the session lasts
  int inventory = 10;
  int upset_coins = 100;
  double alpha = 0.01;
  double beta = 100;
  double gamma = 1;
};

// Each user waits 3 s * 15^(-t/seconds), give or take a fifth, 0.2 s at least, between bids of
// upset + t/2 + 0 to 20 coins, t in seconds; and has a weight of 0.8 to 2. They come in the first
// tenth of the session. The same bids for the same seed and shape.
class AuctionTraffic {
 public:
  using Fact = PostedFact<auction::Event>;
  struct TimedFact {
    double at = 0;  // seconds since the session's start
    Fact fact;
  };

  AuctionTraffic(std::uint64_t seed, const AuctionShape& shape);

  // `ends`: whether the session says when it ends, a second after its last bid.
  [[nodiscard]] Fact created(Time starts_at, bool ends) const;
  // The next bid; nullopt at the end.
  [[nodiscard]] std::optional<TimedFact> next();
  [[nodiscard]] Fact closed() const;

 private:
  [[nodiscard]] Fact fact(const std::string& what) const;
  double pause(double at);

  AuctionShape shape_;
  Random random_;
  std::vector<double> weights_;  // by user
  // When who bids next; the earliest first.
  using Turn = std::pair<double, std::size_t>;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  std::int64_t bids_ = 0;
};

}  // namespace sluice::simulate
