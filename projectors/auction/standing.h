#pragma once

// How the standing bids of a session are ordered.

#include <cstddef>
#include <cstdint>
#include <string>

#include "auction/tables.pb.h"

namespace sluice::auction_rules {

// Score descending, then the earlier, then the log: total, since a position has one bid.
struct ByScore {
  struct Place {
    double score = 0;
    std::int64_t placed_at = 0;
    std::int64_t position = 0;
    std::string user_id;

    friend bool operator<(const Place& a, const Place& b) {
      if (a.score != b.score) return a.score > b.score;
      if (a.placed_at != b.placed_at) return a.placed_at < b.placed_at;
      return a.position < b.position;
    }
  };
  static const std::string& group_of(const auction::Bid& bid) { return bid.session_id(); }
  static Place place_of(const auction::Bid& bid) {
    return {bid.score(), bid.placed_at(), bid.position(), bid.user_id()};
  }
  static std::size_t heap_bytes(const Place& place) {
    return place.user_id.size() > std::string().capacity() ? place.user_id.size() + 1 : 0;
  }
};

// Price descending.
struct ByPrice {
  struct Place {
    std::int64_t price = 0;
    std::int64_t position = 0;

    friend bool operator<(const Place& a, const Place& b) {
      return a.price != b.price ? a.price > b.price : a.position < b.position;
    }
  };
  static const std::string& group_of(const auction::Bid& bid) { return bid.session_id(); }
  static Place place_of(const auction::Bid& bid) { return {bid.price(), bid.position()}; }
  static std::size_t heap_bytes(const Place&) { return 0; }
};

}  // namespace sluice::auction_rules
