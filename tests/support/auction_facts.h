#pragma once

// Facts of the auction domain as tests write them, with the defaults that ingest would have
// written.

#include <cstdint>
#include <optional>
#include <string>

#include "auction/events.pb.h"
#include "sluice/envelope.pb.h"

namespace sluice::auctions {

using auction::Event;

// Where FoldDriver's clock begins.
constexpr std::int64_t kBegin = 1'700'000'000'000;

struct Terms {
  std::int64_t inventory = 2;
  std::int64_t upset_price = 0;
  double alpha = 1;
  double beta = 1;
  double gamma = 1;
  std::int64_t starts_at = kBegin;
  std::optional<std::int64_t> ends_at;
};

inline Actor actor(const std::string& id, Actor::Role role = Actor::ROLE_PARTICIPANT) {
  Actor actor;
  actor.set_id(id);
  actor.set_role(role);
  return actor;
}
inline Actor moderator() { return actor("mod", Actor::ROLE_MODERATOR); }
inline Actor service() { return actor("shop", Actor::ROLE_SERVICE); }

inline void set_time(google::protobuf::Timestamp& time, std::int64_t milliseconds) {
  time.set_seconds(milliseconds / 1000);
  time.set_nanos(static_cast<std::int32_t>(milliseconds % 1000 * 1'000'000));
}

inline Event created(const std::string& session_id, const std::string& owner_id,
                     const Terms& terms = {}) {
  Event event;
  auto& fact = *event.mutable_session_created();
  fact.set_session_id(session_id);
  fact.set_owner_id(owner_id);
  fact.set_product("watch");
  fact.set_upset_price(terms.upset_price);
  fact.set_inventory(terms.inventory);
  fact.set_alpha(terms.alpha);
  fact.set_beta(terms.beta);
  fact.set_gamma(terms.gamma);
  set_time(*fact.mutable_starts_at(), terms.starts_at);
  if (terms.ends_at) set_time(*fact.mutable_ends_at(), *terms.ends_at);
  return event;
}

// Names nothing but the session: fields are the test's to add.
inline Event changed(const std::string& session_id) {
  Event event;
  event.mutable_session_changed()->set_session_id(session_id);
  return event;
}
inline Event changed_times(const std::string& session_id, std::optional<std::int64_t> starts_at,
                           std::optional<std::int64_t> ends_at) {
  Event event = changed(session_id);
  auto& fact = *event.mutable_session_changed();
  if (starts_at) set_time(*fact.mutable_starts_at(), *starts_at);
  if (ends_at) set_time(*fact.mutable_ends_at(), *ends_at);
  return event;
}

inline Event closed(const std::string& session_id) {
  Event event;
  event.mutable_session_closed()->set_session_id(session_id);
  return event;
}

inline Event bid(const std::string& session_id, const std::string& user_id, std::int64_t price,
                 double weight = 1, const std::string& client_bid_id = "") {
  Event event;
  auto& fact = *event.mutable_bid_placed();
  fact.set_session_id(session_id);
  fact.set_user_id(user_id);
  fact.set_price(price);
  fact.set_weight(weight);
  fact.set_client_bid_id(client_bid_id);
  return event;
}

}  // namespace sluice::auctions
