#include "projectors/auction/projection.h"

#include "projectors/auction/score.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using auction::Bid;
using auction::Session;
using auction::SessionStats;
using std::chrono::milliseconds;

std::int64_t count(Time time) { return time.time_since_epoch().count(); }

}  // namespace

Auction::Auction(Tables& tables)
    : sessions_(tables),
      stats_(tables),
      bids_(tables),
      leaderboards_(tables),
      rankings_(tables),
      by_score_(tables, bids_),
      by_price_(tables, bids_) {}

void Auction::fold(const Event& event, const Record& record, Effects& effects) {
  switch (event.fact_case()) {
    case Event::kBidPlaced:
      return place(event.bid_placed(), record, effects);
    case Event::kSessionCreated:
      return create(event.session_created(), record, effects);
    case Event::kSessionChanged:
      return change(event.session_changed(), record, effects);
    case Event::kSessionClosed:
      return close(event.session_closed(), record, effects);
    case Event::FACT_NOT_SET:
      CHECK(false, "a record without a fact meets no rule and is not folded");
  }
}

std::string_view Auction::refuse(const auction::BidPlaced& fact, const Record& record) const {
  const Session* session = sessions_.find(fact.session_id());
  if (session == nullptr) return "session.unknown";
  const bool weighs = fact.weight() != 1 && record.actor.role() != Actor::ROLE_SERVICE;
  if (weighs) return "actor.not_allowed";
  if (session->status() == auction::SESSION_STATUS_CLOSED) return "session.ended";
  // Another ingest's clock may have opened the session before this one stamped the bid.
  const bool early = count(record.recorded_at) < session->starts_at();
  if (session->status() == auction::SESSION_STATUS_SCHEDULED || early) {
    return "session.not_started";
  }
  if (fact.price() < session->upset_price()) return "bid.below_upset";
  return {};
}

void Auction::place(const auction::BidPlaced& fact, const Record& record, Effects& effects) {
  if (const auto reason = refuse(fact, record); !reason.empty()) return effects.reject(reason);
  const Session& session = *sessions_.find(fact.session_id());
  const milliseconds since_start{count(record.recorded_at) - session.starts_at()};
  Bid& bid = bids_.edit(fact.session_id(), fact.user_id());
  SessionStats& stats = stats_.edit(fact.session_id());
  if (bid.bid_count() == 0) stats.set_bidder_count(stats.bidder_count() + 1);
  stats.set_bid_count(stats.bid_count() + 1);
  bid.set_bid_count(bid.bid_count() + 1);
  bid.set_price(fact.price());
  bid.set_weight(fact.weight());
  bid.set_score(auction_rules::score(session, {fact.price(), fact.weight(), since_start}));
  bid.set_client_bid_id(fact.client_bid_id());
  bid.set_placed_at(count(record.recorded_at));
  bid.clear_occurred_at();
  if (record.occurred_at) bid.set_occurred_at(count(*record.occurred_at));
  bid.set_position(record.position.value);
}

}  // namespace sluice
