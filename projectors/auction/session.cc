// When sessions start and end.

#include <google/protobuf/timestamp.pb.h>

#include "projectors/auction/projection.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using auction::Session;
using std::chrono::milliseconds;

// Kinds of timers, of the key session_id. At one time a start fires before an end.
enum TimerKind : int { kStart, kEnd };

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
Time time_of(std::int64_t count) { return Time{milliseconds{count}}; }

std::int64_t count(const google::protobuf::Timestamp& time) {
  constexpr std::int64_t kMillisecondsASecond = 1000;
  constexpr std::int32_t kNanosAMillisecond = 1'000'000;
  return time.seconds() * kMillisecondsASecond + time.nanos() / kNanosAMillisecond;
}

bool may_own(const Session& session, const Actor& actor) {
  if (actor.role() != Actor::ROLE_PARTICIPANT) return true;
  return !actor.id().empty() && actor.id() == session.owner_id();
}

// What the fact names; the rest stays as it is.
template <class Fact>
void apply(const Fact& fact, Session& session) {
  if (fact.has_product()) session.set_product(fact.product());
  if (fact.has_upset_price()) session.set_upset_price(fact.upset_price());
  if (fact.has_inventory()) session.set_inventory(fact.inventory());
  if (fact.has_alpha()) session.set_alpha(fact.alpha());
  if (fact.has_beta()) session.set_beta(fact.beta());
  if (fact.has_gamma()) session.set_gamma(fact.gamma());
  if (fact.has_starts_at()) session.set_starts_at(count(fact.starts_at()));
  if (fact.has_ends_at()) session.set_ends_at(count(fact.ends_at()));
}

// Whether there is time left to bid in.
bool times_fit(const Session& session, Time record_time) {
  if (!session.has_ends_at()) return true;
  return session.starts_at() < session.ends_at() && count(record_time) < session.ends_at();
}

}  // namespace

void Auction::create(const auction::SessionCreated& fact, const Record& record, Effects& effects) {
  if (sessions_.find(fact.session_id()) != nullptr) return effects.reject("session.exists");
  Session created;
  apply(fact, created);
  if (!times_fit(created, record.record_time)) return effects.reject("session.times");
  created.set_session_id(fact.session_id());
  created.set_owner_id(fact.owner_id());
  created.set_created_at(count(record.recorded_at));
  Session& session = sessions_.edit(fact.session_id());
  session = std::move(created);
  static_cast<void>(stats_.edit(fact.session_id()));
  schedule(session, record.record_time, effects);
}

void Auction::change(const auction::SessionChanged& fact, const Record& record, Effects& effects) {
  const Session* before = sessions_.find(fact.session_id());
  if (before == nullptr) return effects.reject("session.unknown");
  if (!may_own(*before, record.actor)) return effects.reject("actor.not_allowed");
  if (before->status() == auction::SESSION_STATUS_CLOSED) return effects.reject("session.ended");
  if (before->status() == auction::SESSION_STATUS_OPEN) return effects.reject("session.started");
  Session changed = *before;
  apply(fact, changed);
  if (!times_fit(changed, record.record_time)) return effects.reject("session.times");
  Session& session = sessions_.edit_found(*before);
  session = std::move(changed);
  schedule(session, record.record_time, effects);
}

void Auction::schedule(Session& session, Time record_time, Effects& effects) {
  const std::string& id = session.session_id();
  if (session.starts_at() <= count(record_time)) {
    session.set_status(auction::SESSION_STATUS_OPEN);
    effects.cancel(id, kStart);
  } else {
    effects.at(time_of(session.starts_at()), id, kStart);
  }
  if (session.has_ends_at()) effects.at(time_of(session.ends_at()), id, kEnd);
}

void Auction::close(const auction::SessionClosed& fact, const Record& record, Effects& effects) {
  const Session* session = sessions_.find(fact.session_id());
  if (session == nullptr) return effects.reject("session.unknown");
  if (!may_own(*session, record.actor)) return effects.reject("actor.not_allowed");
  if (session->status() == auction::SESSION_STATUS_CLOSED) return;
  effects.cancel(fact.session_id(), kStart);
  effects.cancel(fact.session_id(), kEnd);
  close(fact.session_id(), record.recorded_at);
}

void Auction::fire(const Timer& timer, Effects&) {
  const std::string id(timer.key);
  if (timer.kind == kEnd) return close(id, timer.due);
  CHECK(timer.kind == kStart, "a session has two kinds of timers");
  sessions_.edit(id).set_status(auction::SESSION_STATUS_OPEN);
}

}  // namespace sluice
