#include "tests/simulation/random_events.h"

#include <chrono>

#include "roster/events.pb.h"
#include "tally/events.pb.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kBoxes = 5;
constexpr int kMembers = 6;

}  // namespace

std::string RandomEvents::key(const Subject& subject) {
  return subject.projection().name == "tally" ? "box-" + std::to_string(below(kBoxes))
                                              : "m" + std::to_string(below(kMembers));
}

std::string RandomEvents::payload(const Subject& subject, const std::string& key) {
  const int what = below(40);
  if (subject.projection().name == "roster") {
    roster::Event event;
    if (what < 18) {
      event.mutable_member_banned()->set_member(key);
    } else if (what < 36) {
      event.mutable_member_pardoned()->set_member(key);
    } else {  // told by a producer: a service, or somebody who may not
      event.mutable_member_entered()->set_member(key);
      event.mutable_member_entered()->set_box_id("box-" + std::to_string(below(kBoxes)));
    }
    return event.SerializeAsString();
  }
  tally::Event event;
  const std::string member = "m" + std::to_string(below(kMembers));
  if (what < 25) {
    event.mutable_member_added()->set_box_id(key);
    event.mutable_member_added()->set_member(member);
    if (what < 15) event.mutable_member_added()->set_stay_ms(below(what < 10 ? 2000 : 20'000));
  } else if (what < 36) {
    event.mutable_member_removed()->set_box_id(key);
    event.mutable_member_removed()->set_member(member);
  } else if (what < 38) {
    event.mutable_member_expelled()->set_box_id(key);
    event.mutable_member_expelled()->set_member(member);
  } else {
    event.mutable_box_emptied()->set_box_id(key);
  }
  return event.SerializeAsString();
}

Envelope RandomEvents::event(const Subject& subject, const std::string& key) {
  Envelope envelope;
  // Now and then an id is used again: with the same content by luck, mostly with another.
  envelope.set_id("e" + std::to_string(next_id_ > 0 && chance(3) ? below(next_id_) : next_id_++));
  envelope.set_key(key);
  if (!chance(5)) {
    // Ingests' clocks differ, and one stamps hours ahead.
    const milliseconds skew = chance(2) ? milliseconds{7'200'000} : milliseconds{below(400) - 200};
    envelope.set_recorded_at((wall_ + skew).time_since_epoch().count());
  }
  if (chance(30)) envelope.mutable_actor()->set_role(Actor::ROLE_SERVICE);
  envelope.set_payload(payload(subject, key));
  return envelope;
}

void RandomEvents::give_bytes(const Subject& subject, const LoggedRecord& record,
                              Control::Release& release) {
  release.set_offset(chance(90) ? record.offset : below(10));
  if (chance(30)) {
    release.set_value(record.value);
  } else {
    release.set_value(event(subject, record.key).SerializeAsString());
  }
}

void RandomEvents::edit(const Subject& subject, std::int64_t offset, const std::string& key,
                        Control::Edit& edit) {
  edit.set_offset(offset);
  const std::string of = chance(95) ? key : this->key(subject);
  edit.set_value(chance(90) ? event(subject, of).SerializeAsString() : "\xff\xff no event");
  if (chance(50)) edit.set_at_most(1 + below(3));
}

}  // namespace sluice::simulation
