// What follows from the standing bids: statistics, leaderboard, ranking.

#include <algorithm>

#include "projectors/auction/projection.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using auction::Bid;
using auction::Leaderboard;
using auction::Ranking;
using auction::Session;
using auction::SessionStats;

constexpr std::int64_t kLeaders = 100;

std::int64_t count(Time time) { return time.time_since_epoch().count(); }

}  // namespace

void Auction::refresh() {
  for (const std::string& session_id : by_score_.take_changed()) {
    refresh_stats(*sessions_.find(session_id));
    refresh_leaderboard(session_id);
  }
}

const Bid* Auction::marginal_bid(const Session& session) {
  const auto& places = by_score_.of(session.session_id());
  if (places.size() == 0) return nullptr;
  const auto last = std::min(static_cast<std::size_t>(session.inventory()), places.size()) - 1;
  return bids_.find(session.session_id(), places.at(last)->user_id);
}

void Auction::refresh_stats(const Session& session) {
  const Bid* marginal = marginal_bid(session);
  CHECK(marginal != nullptr, "bids that changed are there");
  const std::int64_t highest = by_price_.of(session.session_id()).at(0)->price;
  const SessionStats* stats = stats_.find(session.session_id());
  const bool same = stats->has_highest_bid() && stats->highest_bid() == highest &&
                    stats->threshold_score() == marginal->score();
  if (same) return;
  SessionStats& changed = stats_.edit_found(*stats);
  changed.set_highest_bid(highest);
  changed.set_threshold_score(marginal->score());
}

// A standing bid is replaced and never withdrawn, so ranks come and do not go.
void Auction::refresh_leaderboard(const std::string& session_id) {
  std::int64_t rank = 0;
  for (const auto& place : by_score_.of(session_id)) {
    if (++rank > kLeaders) return;
    const Bid& bid = *bids_.find(session_id, place.user_id);
    const Leaderboard* leader = leaderboards_.find(session_id, rank);
    const bool same = leader != nullptr && leader->user_id() == bid.user_id() &&
                      leader->price() == bid.price() && leader->score() == bid.score() &&
                      leader->placed_at() == bid.placed_at();
    if (same) continue;
    Leaderboard& changed = leaderboards_.edit(session_id, rank);
    changed.set_user_id(bid.user_id());
    changed.set_price(bid.price());
    changed.set_score(bid.score());
    changed.set_placed_at(bid.placed_at());
  }
}

std::int64_t Auction::rank_all(const Session& session) {
  std::int64_t rank = 0;
  for (const auto& place : by_score_.of(session.session_id())) {
    const Bid& bid = *bids_.find(session.session_id(), place.user_id);
    Ranking& row = rankings_.make(session.session_id(), ++rank);
    row.set_user_id(bid.user_id());
    row.set_price(bid.price());
    row.set_weight(bid.weight());
    row.set_score(bid.score());
    row.set_placed_at(bid.placed_at());
    row.set_is_winner(rank <= session.inventory());
  }
  return rank;
}

void Auction::close(const std::string& session_id, Time at) {
  Session& session = sessions_.edit(session_id);
  const std::int64_t bids = rank_all(session);
  session.set_status(auction::SESSION_STATUS_CLOSED);
  session.set_closed_at(count(at));
  session.set_winner_count(std::min(bids, session.inventory()));
  if (const Bid* marginal = marginal_bid(session)) session.set_final_price(marginal->price());
}

}  // namespace sluice
