// The producers of the world.

#include <algorithm>

#include "roster/events.pb.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "tally/events.pb.h"
#include "tests/simulation/world.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kBoxes = 5;
constexpr int kMembers = 6;

}  // namespace

std::string World::random_key(const Subject& subject) {
  return subject.projection().name == "tally" ? "box-" + std::to_string(below(kBoxes))
                                              : "m" + std::to_string(below(kMembers));
}

std::string World::random_payload(const Subject& subject, const std::string& key) {
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

Envelope World::make_event(const Subject& subject, const std::string& key) {
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
  envelope.set_payload(random_payload(subject, key));
  return envelope;
}

void World::append(const std::string& stream, Partition partition, std::string key,
                   std::string value) {
  sent_.push_back({stream, partition, std::move(key), std::move(value)});
  NewRecord record{partition, sent_.back().key, sent_.back().value};
  try {
    writer_->append(stream, {&record, 1});
  } catch (const Retryable&) {
    count("append failed");  // retried below, with the same id
  }
  if (chance(8)) leave_out_offsets(stream, partition);
}

void World::produce() {
  if (!sent_.empty() && chance(15)) {
    const Sent again = sent_[static_cast<std::size_t>(
        std::max(0, static_cast<int>(sent_.size()) - 1 - below(20)))];
    count("producer retried");
    return append(again.stream, again.partition, again.key, again.value);
  }
  // Most of what the roster folds is told by the tally.
  const Subject& subject = live(chance(75) ? "tally" : "roster");
  for (int n = 1 + below(4); n > 0; --n) {
    const std::string key = random_key(subject);
    Partition partition = partition_of(key, kPartitions);
    if (chance(1)) {
      partition = Partition{(partition.value + 1) % kPartitions};
      count("misrouted");
    }
    append(subject.stream(), partition, key, make_event(subject, key).SerializeAsString());
  }
}

void World::produce_garbage() {
  count("garbage");
  const Subject& subject = random_subject();
  const std::string key = random_key(subject);
  Envelope envelope = make_event(subject, key);
  std::string value = envelope.SerializeAsString();
  switch (below(4)) {
    case 0:
      value = "\xff\xff not a message";
      break;
    case 1:
      value.resize(value.size() / 2);
      break;
    case 2:
      value.clear();
      break;
    default: {
      tally::Event event;  // without its member, and no event of the roster at all
      event.mutable_member_added()->set_box_id(key);
      envelope.set_payload(event.SerializeAsString());
      value = envelope.SerializeAsString();
    }
  }
  Partition partition = partition_of(key, kPartitions);
  if (chance(10)) partition = Partition{(partition.value + 1) % kPartitions};
  append(subject.stream(), partition, key, value);
}

// Of a record whose bytes have aged out, with those that the log has, or with such as may be what a
// later release of the program reads from them.
void World::give_bytes(const Subject& subject, const LoggedRecord& record,
                       Control::Release& release) {
  release.set_offset(chance(90) ? record.offset : below(10));
  if (chance(30)) {
    release.set_value(record.value);
  } else {
    release.set_value(make_event(subject, record.key).SerializeAsString());
  }
}

// In the place of what waits there: mostly an event that can be folded.
void World::edit(const Subject& subject, std::int64_t offset, const std::string& key,
                 Control::Edit& edit) {
  edit.set_offset(offset);
  const std::string of = chance(95) ? key : random_key(subject);
  edit.set_value(chance(90) ? make_event(subject, of).SerializeAsString() : "\xff\xff no event");
  if (chance(50)) edit.set_at_most(1 + below(3));
}

void World::produce_control() {
  Envelope envelope;
  envelope.set_recorded_at(wall_.time_since_epoch().count());
  Subject& subject = random_subject();
  Partition partition{below(kPartitions)};
  // Mostly where there is something to decide.
  if (chance(70) && subject.account(partition).refold.quarantined.empty()) {
    partition = Partition{(partition.value + 1) % kPartitions};
  }
  const auto& quarantined = subject.account(partition).refold.quarantined;
  std::string key;
  if (chance(15)) {
    // Nothing is wrong, so that nothing may change.
    count("repair");
    key = random_key(subject);
    partition = partition_of(key, kPartitions);
    envelope.set_key(key);
    envelope.mutable_control()->mutable_repair();
  } else if (quarantined.empty() || chance(20)) {
    count("tick");
    envelope.mutable_control()->mutable_tick();
  } else {
    auto chosen = quarantined.begin();
    std::advance(chosen, below(static_cast<int>(quarantined.size())));
    key = chosen->second.key;
    const bool aged_out = !chosen->second.value;
    Control& control = *envelope.mutable_control();
    control.set_who("somebody");
    control.set_why("reason " + std::to_string(below(3)));
    if (chance(70)) envelope.set_id("d" + std::to_string(next_id_++));
    if (chance(30)) {
      count("edit");
      edit(subject, chosen->first, key, *control.mutable_edit());
    } else if (chance(aged_out ? 70 : 10)) {
      count("release from the log");
      const auto& log = subject.account(partition).log;
      const auto record = std::ranges::lower_bound(log, chosen->first, {}, &LoggedRecord::offset);
      give_bytes(subject, *record, *control.mutable_release());
    } else if (chance(70)) {
      count("discard");
      control.mutable_discard()->set_offset(chosen->first);
      if (chance(50)) control.mutable_discard()->set_at_most(1 + below(3));
      // Nobody said whose record it is; or somebody means another's.
      if (chance(20)) key = chance(50) ? std::string() : random_key(subject);
    } else {
      count("release");
      control.mutable_release()->set_at_most(chance(50) ? 1 + below(3) : 0);
      control.mutable_release()->set_continues(chance(40));
    }
  }
  append(subject.stream(), partition, key, envelope.SerializeAsString());
}

}  // namespace sluice::simulation
