#pragma once

// What bids are ranked by.

#include <chrono>
#include <cstdint>

#include "auction/tables.pb.h"

namespace sluice::auction_rules {

struct Offer {
  std::int64_t price = 0;  // minor units
  double weight = 1;
  std::chrono::milliseconds since_start{0};  // not negative
};

// alpha * price + beta / (T + 1) + gamma * weight, T in seconds: IEEE 754 doubles, one operation
// after the other, each rounded to nearest, none fused (the build has -ffp-contract=off).
[[nodiscard]] inline double score(const auction::Session& session, const Offer& offer) {
  const double t = static_cast<double>(offer.since_start.count()) / 1000.0;
  const double a = session.alpha() * static_cast<double>(offer.price);
  const double b = session.beta() / (t + 1.0);
  const double c = session.gamma() * offer.weight;
  return (a + b) + c;
}

}  // namespace sluice::auction_rules
