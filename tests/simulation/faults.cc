// What goes wrong around the processes of the world.

#include <algorithm>
#include <string_view>
#include <utility>

#include "storage/base/errors.h"
#include "tests/simulation/world.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

}  // namespace

void World::sink_fault() {
  MemorySink& sink = *random_seat(random_node()).sink;
  switch (below(6)) {
    case 0:
      count("flush failed");
      return sink.fail_next_flush();
    case 1:
      count("committed, answer lost");
      return sink.lose_next_answer(LostAnswer::committed);
    case 2:
      count("not committed, answer lost");
      return sink.lose_next_answer(LostAnswer::not_committed);
    case 3:
      count("commit delayed");
      return sink.lose_next_answer(LostAnswer::delayed);
    case 4:
      count("delayed commit arrives");
      return sink.finish_delayed();
    default:
      count("database away");
      return sink.set_away(!sink.away());
  }
}

void World::log_fault() {
  if (chance(50)) {
    count("log away");
    log_.set_away(true);
    for (Node& node : nodes_) {
      for (Seat& seat : node.seats) turn(node, seat);
    }
    log_.set_away(false);
  } else {
    log_.fail_next_append(static_cast<std::size_t>(below(2)));
  }
}

void World::append_fault() {
  const bool late = chance(40);
  count(late ? "derived append late" : "derived append failed");
  const auto kept = [&] { return static_cast<std::size_t>(below(4)); };
  random_seat(random_node()).writer->fail_next({kept(), kept()}, late);
}

// The broker carries out what it had received, though its producer is gone.
void World::carry_out_late() {
  for (const LateAppend& late : std::exchange(late_, {})) {
    count("late append carried out");
    try {
      carry_out(late, *writer_);
    } catch (const Retryable&) {
      count("append failed");  // nobody is there to try again
    }
  }
}

void World::repeat_tail() {
  count("tail repeated");
  log_.repeat_tail(random_subject().stream(), Partition{below(kPartitions)},
                   static_cast<std::size_t>(1 + below(10)));
}

// As transactions do, and what compaction has taken away: mostly as the last offset of all.
void World::leave_out_offsets(const std::string& stream, Partition partition) {
  count("offsets left out");
  log_.skip_offsets(stream, partition, 1 + below(3));
}

// For a while a topic is set to CreateTime, and producers' clocks are anything.
void World::let_producers_stamp() {
  count("producers stamp");
  constexpr milliseconds kOff[] = {milliseconds{0}, milliseconds{-86'400'000},
                                   milliseconds{86'400'000}};
  log_.let_producers_stamp(kOff[below(3)]);
  producers_stamp_ = 1 + below(12);
}

void World::jump() {
  count("clock jumped");
  wall_ += milliseconds{chance(70) ? below(60'000) : -below(30'000)};
  steady_ += milliseconds{below(10'000)};
}

// Of one domain's views or of both: each domain's promises are its own.
void World::restore() {
  const int which = below(3);
  stop_all();
  for (const char* domain : {"tally", "roster"}) {
    if (which == (domain == std::string_view("tally") ? 0 : 1) || !generations_.restorable(domain))
      continue;
    count("database restored");
    start_anew(domain);
    for (Subject* const subject : generations_.of(domain)) {
      subject->restore();
      for (Node& node : nodes_) {
        for (Seat& seat : node.seats) {
          if (seat.subject != subject) continue;
          for (const auto& [partition, disk] : seat.disks) seat.ahead.insert(partition);
        }
      }
    }
    generations_.forget_decisions(domain);
  }
  for (Node& node : nodes_) crash(node);
}

// What nobody is told of: the owners must notice by themselves, though no record comes.
void World::quiet_fault() {
  Subject& subject = random_subject();
  if (chance(50)) return steal(subject);
  const std::string domain(subject.projection().name);
  if (generations_.restorable(domain)) restore_under_them(domain);
}

// Of a view whose projectors go on. What they sent to the server that was replaced is lost.
void World::restore_under_them(const std::string& domain) {
  count("database restored under its projectors");
  start_anew(domain);
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) {
      if (seat.subject->projection().name != domain) continue;
      seat.sink->drop_delayed();
      for (int p = 0; p < kPartitions; ++p) seat.ahead.insert(Partition{p});
    }
  }
  for (Subject* const subject : generations_.of(domain)) subject->restore();
  generations_.forget_decisions(domain);
}

// By a process that has fallen silent: the partition goes back to the one that the log gave it to.
void World::steal(Subject& subject) {
  try {
    MemorySink(subject.views())
        .claim(Partition{below(kPartitions)}, "stranger/" + std::to_string(events_.take_id()));
    count("partition taken by a stranger");
  } catch (const Retryable&) {
    count("a stranger gives up at a lock");
  }
}

// The broker comes back without its newest records, and grows again. Where the view had folded them
// the partition must stop; elsewhere nobody may notice. What was sent on from records that are lost
// then, from offsets that are given out again, nobody can tell from what is sent on later.
void World::lose_tail() {
  Subject& subject = random_subject();
  const Partition partition{below(kPartitions)};
  stop_all();
  late_.clear();
  for (Node& node : nodes_) {
    for (Seat& seat : node.seats) seat.sink->finish_delayed();
  }
  check();
  const auto& records = log_.records(subject.stream(), partition);
  const std::size_t lost = std::min(records.size(), static_cast<std::size_t>(1 + below(12)));
  const std::int64_t end = lost == 0 ? 0 : records[records.size() - lost].offset.value;
  Account& account = subject.account(partition);
  if (end < account.position || !correspondence_.told_from(subject, partition, end)) {
    count("log lost its tail");
    correspondence_.before_loss(subject, partition, end);
    log_.lose_tail(subject.stream(), partition, lost);
    for (Subject* const each : generations_.of(std::string(subject.projection().name))) {
      each->forget_tail(partition);
    }
    // Of all: who told it would tell what it lost again, behind what was told since.
    for (const auto& each : generations_.all()) each->drop_backup();
    if (account.lost) {
      count("lost what was folded");
    } else {
      // A disk may be ahead of the view by what a lost answer left; such state belongs to no log.
      for (Node& node : nodes_) {
        for (Seat& seat : node.seats) seat.disks.clear();
      }
    }
    for (int more = below(15); more > 0; --more) produce();
  }
  for (Node& node : nodes_) crash(node);
}

}  // namespace sluice::simulation
