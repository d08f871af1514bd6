#include "tools/simulate/auction.h"

#include <algorithm>

namespace sluice::simulate {
namespace {

constexpr double kFirstWait = 3.0;  // seconds
constexpr double kLeastWait = 0.2;
constexpr double kLogFifteen = 2.70805020110221;
constexpr double kMinorUnits = 100.0;

// 1 / e^x for 0 <= x <= 3: the series, since a function of libm may differ between machines.
double inverse_exp(double x) {
  double sum = 1;
  double term = 1;
  for (int n = 1; n <= 40; ++n) {
    term = term * x / n;
    sum += term;
  }
  return 1 / sum;
}

void set_time(google::protobuf::Timestamp& timestamp, Time time) {
  constexpr std::int64_t kMillisecondsASecond = 1000;
  constexpr std::int64_t kNanosAMillisecond = 1'000'000;
  const std::int64_t count = time.time_since_epoch().count();
  timestamp.set_seconds(count / kMillisecondsASecond);
  timestamp.set_nanos(static_cast<std::int32_t>(count % kMillisecondsASecond * kNanosAMillisecond));
}

}  // namespace

AuctionTraffic::AuctionTraffic(std::uint64_t seed, const AuctionShape& shape)
    : shape_(shape), random_(seed) {
  constexpr double kJoining = 10;  // a tenth of the session
  for (int user = 0; user < shape.users; ++user) {
    weights_.push_back((80 + random_.between(0, 120)) / 100.0);
    turns_.emplace(shape.seconds / kJoining * user / shape.users, user);
  }
}

AuctionTraffic::Fact AuctionTraffic::fact(const std::string& what) const {
  Fact fact;
  fact.id = "simulate:" + shape_.session_id + ":" + what;
  fact.key = shape_.session_id;
  // The shop's backend, which knows its users' weights.
  fact.actor.set_id("shop");
  fact.actor.set_role(Actor::ROLE_SERVICE);
  return fact;
}

AuctionTraffic::Fact AuctionTraffic::created(Time starts_at, bool ends) const {
  Fact made = fact("created");
  auto& created = *made.event.mutable_session_created();
  created.set_session_id(shape_.session_id);
  created.set_owner_id("shop");
  created.set_product("flash sale");
  created.set_upset_price(static_cast<std::int64_t>(shape_.upset_coins * kMinorUnits));
  created.set_inventory(shape_.inventory);
  created.set_alpha(shape_.alpha);
  created.set_beta(shape_.beta);
  created.set_gamma(shape_.gamma);
  set_time(*created.mutable_starts_at(), starts_at);
  if (!ends) return made;
  constexpr double kMillisecondsASecond = 1000;
  // A second more: the last bid is on its way when the last second is over.
  const auto lasts = static_cast<std::int64_t>((shape_.seconds + 1) * kMillisecondsASecond);
  set_time(*created.mutable_ends_at(), starts_at + std::chrono::milliseconds{lasts});
  return made;
}

AuctionTraffic::Fact AuctionTraffic::closed() const {
  Fact made = fact("closed");
  made.event.mutable_session_closed()->set_session_id(shape_.session_id);
  return made;
}

double AuctionTraffic::pause(double at) {
  const double wait = kFirstWait * inverse_exp(kLogFifteen * at / shape_.seconds);
  return std::max(wait, kLeastWait) * (0.8 + 0.4 * random_.fraction());
}

std::optional<AuctionTraffic::TimedFact> AuctionTraffic::next() {
  if (turns_.empty() || turns_.top().first >= shape_.seconds) return std::nullopt;
  const auto [at, user] = turns_.top();
  turns_.pop();
  turns_.emplace(at + pause(at), user);
  TimedFact next{at, fact(std::to_string(++bids_))};
  auto& bid = *next.fact.event.mutable_bid_placed();
  bid.set_session_id(shape_.session_id);
  bid.set_user_id("u" + std::to_string(user));
  const double coins = shape_.upset_coins + 0.5 * at + 20 * random_.fraction();
  bid.set_price(static_cast<std::int64_t>(coins * kMinorUnits));
  bid.set_weight(weights_[user]);
  return next;
}

}  // namespace sluice::simulate
