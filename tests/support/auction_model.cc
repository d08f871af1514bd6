#include "tests/support/auction_model.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace sluice {
namespace {

std::int64_t milliseconds(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}

bool owns(const auction::Session& row, const Actor& actor) {
  return actor.role() != Actor::ROLE_PARTICIPANT ||
         (actor.id() == row.owner_id() && !actor.id().empty());
}

template <class Fact>
void take_over(const Fact& fact, auction::Session& row) {
  if (fact.has_product()) row.set_product(fact.product());
  if (fact.has_upset_price()) row.set_upset_price(fact.upset_price());
  if (fact.has_inventory()) row.set_inventory(fact.inventory());
  if (fact.has_alpha()) row.set_alpha(fact.alpha());
  if (fact.has_beta()) row.set_beta(fact.beta());
  if (fact.has_gamma()) row.set_gamma(fact.gamma());
  if (fact.has_starts_at()) row.set_starts_at(milliseconds(fact.starts_at()));
  if (fact.has_ends_at()) row.set_ends_at(milliseconds(fact.ends_at()));
}

}  // namespace

void AuctionModel::pass(std::int64_t recorded_at) {
  record_time_ = std::max(record_time_, recorded_at);
  for (auto& [id, session] : sessions_) pass(session);
}

std::string AuctionModel::post(const Posted& posted) {
  pass(posted.recorded_at);
  const auto& event = posted.event;
  if (event.has_session_created()) return create(event.session_created(), posted);
  if (event.has_session_changed()) return change(event.session_changed(), posted.actor);
  if (event.has_session_closed()) return close(event.session_closed(), posted);
  return place(event.bid_placed(), posted);
}

std::vector<auction::Session> AuctionModel::sessions() const {
  std::vector<auction::Session> rows;
  for (const auto& [id, session] : sessions_) {
    rows.push_back(session.row);
    auction::Session& row = rows.back();
    const auto bids = best_first(session);
    if (row.status() != auction::SESSION_STATUS_CLOSED || bids.empty()) continue;
    row.set_winner_count(std::min<std::int64_t>(row.inventory(), std::ssize(bids)));
    row.set_final_price(bids[static_cast<std::size_t>(row.winner_count()) - 1].price());
  }
  return rows;
}

std::vector<auction::SessionStats> AuctionModel::stats() const {
  std::vector<auction::SessionStats> rows;
  for (const auto& [id, session] : sessions_) {
    auction::SessionStats& row = rows.emplace_back();
    row.set_session_id(id);
    const auto bids = best_first(session);
    row.set_bidder_count(std::ssize(bids));
    for (const auction::Bid& bid : bids) {
      row.set_bid_count(row.bid_count() + bid.bid_count());
      row.set_highest_bid(std::max(row.highest_bid(), bid.price()));
    }
    if (bids.empty()) continue;
    const auto line = std::min<std::int64_t>(session.row.inventory(), std::ssize(bids));
    row.set_threshold_score(bids[static_cast<std::size_t>(line) - 1].score());
  }
  return rows;
}

std::vector<auction::Bid> AuctionModel::bids() const {
  std::vector<auction::Bid> rows;
  for (const auto& [id, session] : sessions_) {
    for (const auto& [user, bid] : session.bids) rows.push_back(bid);
  }
  return rows;
}

std::vector<auction::Leaderboard> AuctionModel::leaderboards() const {
  std::vector<auction::Leaderboard> rows;
  for (const auto& [id, session] : sessions_) {
    for (const auction::Ranking& ranked : rank(session)) {
      if (ranked.rank() > 100) break;
      auction::Leaderboard& row = rows.emplace_back();
      row.set_session_id(id);
      row.set_rank(ranked.rank());
      row.set_user_id(ranked.user_id());
      row.set_price(ranked.price());
      row.set_score(ranked.score());
      row.set_placed_at(ranked.placed_at());
    }
  }
  return rows;
}

std::vector<auction::Ranking> AuctionModel::rankings() const {
  std::vector<auction::Ranking> rows;
  for (const auto& [id, session] : sessions_) {
    if (session.row.status() != auction::SESSION_STATUS_CLOSED) continue;
    for (auction::Ranking& row : rank(session)) rows.push_back(std::move(row));
  }
  return rows;
}

void AuctionModel::pass(Session& session) const {
  auction::Session& row = session.row;
  if (row.status() == auction::SESSION_STATUS_CLOSED) return;
  if (row.has_ends_at() && row.ends_at() <= record_time_) {
    row.set_status(auction::SESSION_STATUS_CLOSED);
    row.set_closed_at(row.ends_at());
  } else if (row.starts_at() <= record_time_) {
    row.set_status(auction::SESSION_STATUS_OPEN);
  }
}

bool AuctionModel::times_fit(const auction::Session& row) const {
  return !row.has_ends_at() || std::max(row.starts_at(), record_time_) < row.ends_at();
}

std::string AuctionModel::create(const auction::SessionCreated& fact, const Posted& posted) {
  if (sessions_.contains(fact.session_id())) return "session.exists";
  Session session;
  take_over(fact, session.row);
  if (!times_fit(session.row)) return "session.times";
  session.row.set_session_id(fact.session_id());
  session.row.set_owner_id(fact.owner_id());
  session.row.set_created_at(posted.recorded_at);
  pass(session);
  sessions_.emplace(fact.session_id(), std::move(session));
  return "";
}

std::string AuctionModel::change(const auction::SessionChanged& fact, const Actor& actor) {
  const auto found = sessions_.find(fact.session_id());
  if (found == sessions_.end()) return "session.unknown";
  auction::Session row = found->second.row;
  if (!owns(row, actor)) return "actor.not_allowed";
  if (row.status() == auction::SESSION_STATUS_CLOSED) return "session.ended";
  if (row.status() == auction::SESSION_STATUS_OPEN) return "session.started";
  take_over(fact, row);
  if (!times_fit(row)) return "session.times";
  found->second.row = row;
  pass(found->second);
  return "";
}

std::string AuctionModel::close(const auction::SessionClosed& fact, const Posted& posted) {
  const auto found = sessions_.find(fact.session_id());
  if (found == sessions_.end()) return "session.unknown";
  auction::Session& row = found->second.row;
  if (!owns(row, posted.actor)) return "actor.not_allowed";
  if (row.status() == auction::SESSION_STATUS_CLOSED) return "";
  row.set_status(auction::SESSION_STATUS_CLOSED);
  row.set_closed_at(posted.recorded_at);
  return "";
}

std::string AuctionModel::place(const auction::BidPlaced& fact, const Posted& posted) {
  const auto found = sessions_.find(fact.session_id());
  if (found == sessions_.end()) return "session.unknown";
  const auction::Session& row = found->second.row;
  if (fact.weight() != 1 && posted.actor.role() != Actor::ROLE_SERVICE) {
    return "actor.not_allowed";
  }
  if (row.status() == auction::SESSION_STATUS_CLOSED) return "session.ended";
  if (row.status() != auction::SESSION_STATUS_OPEN || posted.recorded_at < row.starts_at()) {
    return "session.not_started";
  }
  if (fact.price() < row.upset_price()) return "bid.below_upset";
  auction::Bid& bid = found->second.bids[fact.user_id()];
  const std::int64_t before = bid.bid_count();
  bid.Clear();
  bid.set_session_id(fact.session_id());
  bid.set_user_id(fact.user_id());
  bid.set_price(fact.price());
  bid.set_weight(fact.weight());
  // volatile: nothing is fused, reordered or kept wider.
  const volatile double t = static_cast<double>(posted.recorded_at - row.starts_at()) / 1000.0;
  const volatile double a = row.alpha() * static_cast<double>(fact.price());
  const volatile double from_start = t + 1.0;
  const volatile double b = row.beta() / from_start;
  const volatile double c = row.gamma() * fact.weight();
  const volatile double ab = a + b;
  bid.set_score(ab + c);
  bid.set_client_bid_id(fact.client_bid_id());
  bid.set_placed_at(posted.recorded_at);
  if (posted.occurred_at) bid.set_occurred_at(*posted.occurred_at);
  bid.set_position(posted.position);
  bid.set_bid_count(before + 1);
  return "";
}

std::vector<auction::Bid> AuctionModel::best_first(const Session& session) {
  std::vector<auction::Bid> bids;
  bids.reserve(session.bids.size());
  for (const auto& [user, bid] : session.bids) bids.push_back(bid);
  std::sort(bids.begin(), bids.end(), [](const auction::Bid& a, const auction::Bid& b) {
    return std::make_tuple(-a.score(), a.placed_at(), a.position()) <
           std::make_tuple(-b.score(), b.placed_at(), b.position());
  });
  return bids;
}

std::vector<auction::Ranking> AuctionModel::rank(const Session& session) {
  std::vector<auction::Ranking> rows;
  for (const auction::Bid& bid : best_first(session)) {
    auction::Ranking& row = rows.emplace_back();
    row.set_session_id(bid.session_id());
    row.set_rank(std::ssize(rows));
    row.set_user_id(bid.user_id());
    row.set_price(bid.price());
    row.set_weight(bid.weight());
    row.set_score(bid.score());
    row.set_placed_at(bid.placed_at());
    row.set_is_winner(row.rank() <= session.row.inventory());
  }
  return rows;
}

}  // namespace sluice
