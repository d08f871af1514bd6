// The producers of the world.

#include <algorithm>

#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "tally/events.pb.h"
#include "tests/simulation/world.h"

namespace sluice::simulation {

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
  const Subject& subject = generations_.live(chance(75) ? "tally" : "roster");
  for (int n = 1 + below(4); n > 0; --n) {
    const std::string key = events_.key(subject);
    Partition partition = partition_of(key, kPartitions);
    if (chance(1)) {
      partition = Partition{(partition.value + 1) % kPartitions};
      count("misrouted");
    }
    append(subject.stream(), partition, key, events_.event(subject, key).SerializeAsString());
  }
}

void World::produce_garbage() {
  count("garbage");
  const Subject& subject = random_subject();
  const std::string key = events_.key(subject);
  Envelope envelope = events_.event(subject, key);
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
    key = events_.key(subject);
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
    if (chance(70)) envelope.set_id("d" + std::to_string(events_.take_id()));
    if (chance(30)) {
      count("edit");
      events_.edit(subject, chosen->first, key, *control.mutable_edit());
    } else if (chance(aged_out ? 70 : 10)) {
      count("release from the log");
      const auto& log = subject.account(partition).log;
      const auto record = std::ranges::lower_bound(log, chosen->first, {}, &LoggedRecord::offset);
      events_.give_bytes(subject, *record, *control.mutable_release());
    } else if (chance(70)) {
      count("discard");
      control.mutable_discard()->set_offset(chosen->first);
      if (chance(50)) control.mutable_discard()->set_at_most(1 + below(3));
      // Nobody said whose record it is; or somebody means another's.
      if (chance(20)) key = chance(50) ? std::string() : events_.key(subject);
    } else {
      count("release");
      control.mutable_release()->set_at_most(chance(50) ? 1 + below(3) : 0);
      control.mutable_release()->set_continues(chance(40));
    }
  }
  append(subject.stream(), partition, key, envelope.SerializeAsString());
}

}  // namespace sluice::simulation
