#include "tests/simulation/world.h"

#include <algorithm>

#include "storage/errors.h"
#include "storage/partitioner.h"
#include "tests/simulation/tally/projection.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kPartitions = 2;
constexpr int kNodes = 2;
constexpr int kBoxes = 5;
constexpr int kMembers = 6;
constexpr milliseconds kHorizon{20'000};
constexpr std::string_view kStream = "tally.events";

const Projection& projection() {
  static const Projection tally = describe<Tally>("tally");
  return tally;
}

Generation generation() {
  return {.projection = "tally",
          .number = 1,
          .unique_id = "g-1",
          .version = Tally::kVersion,
          .partitions = kPartitions,
          .dedupe_horizon = kHorizon,
          .live = true};
}

std::string where(Partition partition, std::int64_t position) {
  return " (partition " + std::to_string(partition.value) + ", position " +
         std::to_string(position) + ")";
}

}  // namespace

World::World(std::uint64_t seed)
    : random_(seed),
      wall_(milliseconds{1'700'000'000'000}),
      log_([this] { return wall_; }),
      views_(generation()),
      nodes_(kNodes) {
  log_.create(kStream, kPartitions);
  log_.set_poll_records(7);
  writer_ = log_.writer();
  for (int p = 0; p < kPartitions; ++p) {
    accounts_.push_back({{}, fresh(Partition{p}), 0, false});
    nodes_[static_cast<std::size_t>(below(kNodes))].assignment.partitions.push_back(Partition{p});
  }
  for (int i = 0; i < kNodes; ++i) {
    nodes_[static_cast<std::size_t>(i)].index = i;
    start(nodes_[static_cast<std::size_t>(i)]);
  }
}

World::~World() = default;

int World::below(int bound) {
  return static_cast<int>(random_() % static_cast<std::uint64_t>(bound));
}

Refold World::fresh(Partition partition) const {
  return {partition.value, kPartitions, kHorizon.count()};
}

void World::start(Node& node) {
  ++node.incarnation;
  node.sink = std::make_unique<MemorySink>(views_);
  node.faulty_sink = std::make_unique<FaultySink>(*node.sink, node.death);
  WorkerConfig config;
  config.instance = std::to_string(node.index) + "." + std::to_string(node.incarnation);
  config.limits = {.dirty_rows = 6,
                   .dirty_bytes = 1 << 20,
                   .cached_bytes = 2000,
                   // So small that sealing, merging and turning segments over happen all the time.
                   .dedupe = {.open_marks = 8,
                              .page_marks = 4,
                              .segment_marks = 32,
                              .slices = 4,
                              .fan_in = 3,
                              .merge_pace = 2,
                              .merge_marks_min = 4,
                              .filter_bytes_max = 1 << 12}};
  WorkerParts parts{.open_reader =
                        [this, &node](Ownership& ownership) {
                          return log_.reader(kStream, node.assignment, ownership);
                        },
                    .open_store =
                        [&node](Partition partition) {
                          return std::make_unique<FaultyStore>(
                              std::make_unique<MemoryStateStore>(node.disks[partition]),
                              node.death);
                        },
                    .topology = log_,
                    .sink = *node.faulty_sink,
                    .probe = node.probe};
  node.worker = std::make_unique<Worker>(projection(), std::move(config), std::move(parts));
}

void World::run(int steps) {
  for (int i = 0; i < steps; ++i) {
    wall_ += milliseconds{below(120)};
    steady_ += milliseconds{below(120)};
    const int what = below(1000);
    if (what < 330)
      produce();
    else if (what < 850)
      turn(nodes_[static_cast<std::size_t>(below(kNodes))]);
    else if (what < 870)
      condemn(nodes_[static_cast<std::size_t>(below(kNodes))]);
    else if (what < 880)
      crash(nodes_[static_cast<std::size_t>(below(kNodes))]);
    else if (what < 895)
      sleep(nodes_[static_cast<std::size_t>(below(kNodes))]);
    else if (what < 910)
      rebalance();
    else if (what < 915)
      lose_state();
    else if (what < 945)
      sink_fault();
    else if (what < 955)
      log_fault();
    else if (what < 962)
      backup();
    else if (what < 966)
      restore();
    else if (what < 969)
      lose_tail();
    else if (what < 976)
      jump();
    else if (what < 984)
      produce_garbage();
    else if (what < 992)
      produce_control();
    else
      repeat_tail();
    check();
  }
  heal();
}

// Producers

std::string World::random_box() { return "box-" + std::to_string(below(kBoxes)); }

std::string World::make_event(const std::string& box) {
  tally::Event event;
  const int what = below(20);
  const std::string member = "m" + std::to_string(below(kMembers));
  if (what < 13) {
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
  } else if (what < 19) {
    event.mutable_member_removed()->set_box_id(box);
    event.mutable_member_removed()->set_member(member);
  } else {
    event.mutable_box_emptied()->set_box_id(box);
  }
  Envelope envelope;
  // Now and then an id is used again: with the same content by luck, mostly with another.
  envelope.set_id("e" + std::to_string(next_id_ > 0 && chance(3) ? below(next_id_) : next_id_++));
  envelope.set_key(box);
  if (!chance(5)) {
    // Ingests' clocks differ, and one stamps hours ahead.
    const milliseconds skew = chance(2) ? milliseconds{7'200'000} : milliseconds{below(400) - 200};
    envelope.set_recorded_at((wall_ + skew).time_since_epoch().count());
  }
  envelope.set_payload(event.SerializeAsString());
  return envelope.SerializeAsString();
}

void World::append(Partition partition, std::string key, std::string value) {
  sent_.push_back({partition, std::move(key), std::move(value)});
  NewRecord record{partition, sent_.back().key, sent_.back().value};
  try {
    writer_->append(kStream, {&record, 1});
  } catch (const Retryable&) {
    count("append failed");  // retried below, with the same id
  }
}

void World::produce() {
  if (!sent_.empty() && chance(15)) {
    const Sent again = sent_[static_cast<std::size_t>(
        std::max(0, static_cast<int>(sent_.size()) - 1 - below(20)))];
    count("producer retried");
    return append(again.partition, again.key, again.value);
  }
  for (int n = 1 + below(4); n > 0; --n) {
    const std::string box = random_box();
    Partition partition = partition_of(box, kPartitions);
    if (chance(1)) {
      partition = Partition{(partition.value + 1) % kPartitions};
      count("misrouted");
    }
    append(partition, box, make_event(box));
  }
}

void World::produce_garbage() {
  count("garbage");
  const std::string box = random_box();
  std::string value = make_event(box);
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
      Envelope envelope;
      envelope.ParseFromString(value);
      tally::Event event;
      event.mutable_member_added()->set_box_id(box);  // without its member
      envelope.set_payload(event.SerializeAsString());
      value = envelope.SerializeAsString();
    }
  }
  append(partition_of(box, kPartitions), box, value);
}

void World::produce_control() {
  Envelope envelope;
  envelope.set_recorded_at(wall_.time_since_epoch().count());
  Partition partition{below(kPartitions)};
  const auto& quarantined = accounts_[static_cast<std::size_t>(partition.value)].refold.quarantined;
  std::string key;
  if (quarantined.empty() || chance(20)) {
    count("tick");
    envelope.mutable_control()->mutable_tick();
  } else {
    auto chosen = quarantined.begin();
    std::advance(chosen, below(static_cast<int>(quarantined.size())));
    key = chosen->second;
    count(chance(50) ? "discard" : "release");
    if (chance(70)) {
      envelope.mutable_control()->mutable_discard()->set_offset(chosen->first);
    } else {
      envelope.mutable_control()->mutable_release();
    }
  }
  append(partition, key, envelope.SerializeAsString());
}

void World::repeat_tail() {
  count("tail repeated");
  log_.repeat_tail(kStream, Partition{below(kPartitions)}, static_cast<std::size_t>(1 + below(10)));
}

// Processes

void World::turn(Node& node) {
  if (node.asleep > 0) {
    --node.asleep;
    return;
  }
  try {
    node.worker->step(steady_, milliseconds{0});
  } catch (const Crash&) {
    count("died at a step");
    crash(node);
  }
}

void World::crash(Node& node) {
  count("crash");
  node.worker.reset();
  // The disk keeps a prefix of what was written to it.
  for (auto& [partition, disk] : node.disks) {
    if (chance(40)) disk.lose_newest(static_cast<std::size_t>(below(6)));
  }
  node.death.condemn(Step::none);
  node.asleep = 0;
  start(node);
}

void World::condemn(Node& node) {
  constexpr Step kSteps[] = {Step::before_take,  Step::after_take,   Step::before_flush,
                             Step::after_commit, Step::before_state, Step::after_state,
                             Step::after_settle};
  node.death.condemn(kSteps[below(std::size(kSteps))]);
}

void World::sleep(Node& node) {
  count("asleep");
  node.asleep = 5 + below(40);
}

void World::rebalance() {
  count("rebalanced");
  for (Node& node : nodes_) node.assignment.partitions.clear();
  for (int p = 0; p < kPartitions; ++p) {
    nodes_[static_cast<std::size_t>(below(kNodes))].assignment.partitions.push_back(Partition{p});
  }
}

void World::lose_state() {
  count("state lost");
  Node& node = nodes_[static_cast<std::size_t>(below(kNodes))];
  node.worker.reset();
  node.disks.clear();
  crash(node);
}

// The world around

void World::sink_fault() {
  MemorySink& sink = *nodes_[static_cast<std::size_t>(below(kNodes))].sink;
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
    for (Node& node : nodes_) turn(node);
    log_.set_away(false);
  } else {
    log_.fail_next_append(static_cast<std::size_t>(below(2)));
  }
}

void World::jump() {
  count("clock jumped");
  wall_ += milliseconds{chance(70) ? below(60'000) : -below(30'000)};
  steady_ += milliseconds{below(10'000)};
}

void World::backup() { backup_ = views_; }

void World::restore() {
  const bool lost = std::any_of(accounts_.begin(), accounts_.end(), [](auto& a) { return a.lost; });
  if (!backup_ || lost) return;
  count("database restored");
  for (Node& node : nodes_) node.worker.reset();
  views_ = *backup_;
  checked_deeds_ = std::min(checked_deeds_, views_.deeds().size());
  owners_.clear();
  for (const MemoryViews::Deed& deed : views_.deeds()) {
    if (deed.took) owners_[deed.partition] = deed.owner;
  }
  for (const Node& node : nodes_) {
    for (const auto& [partition, disk] : node.disks) ahead_.emplace(node.index, partition);
  }
  for (std::size_t p = 0; p < accounts_.size(); ++p) {
    accounts_[p].position = 0;
    accounts_[p].refold = fresh(Partition{static_cast<int>(p)});
  }
  for (Node& node : nodes_) crash(node);
}

// The broker comes back without its newest records, and grows again. Where the view had folded them
// the partition must stop; elsewhere nobody may notice.
void World::lose_tail() {
  count("log lost its tail");
  for (Node& node : nodes_) node.worker.reset();
  for (Node& node : nodes_) node.sink->finish_delayed();
  check();
  const Partition partition{below(kPartitions)};
  log_.lose_tail(kStream, partition, static_cast<std::size_t>(1 + below(12)));
  Account& account = accounts_[static_cast<std::size_t>(partition.value)];
  const LogRange range = log_.range(kStream, partition);
  while (!account.log.empty() && account.log.back().offset >= range.end.value)
    account.log.pop_back();
  if (range.end.value < account.position) {
    account.lost = true;
    count("lost what was folded");
  } else {
    // A disk may be ahead of the view by what a lost answer left; such state belongs to no log now.
    forget_disks();
  }
  backup_.reset();
  const int more = below(15);
  for (int i = 0; i < more; ++i) produce();
  for (Node& node : nodes_) crash(node);
}

void World::forget_disks() {
  for (Node& node : nodes_) node.disks.clear();
}

// Proof

void World::read_log(Partition partition) {
  Account& account = accounts_[static_cast<std::size_t>(partition.value)];
  const std::int64_t next = account.log.empty() ? 0 : account.log.back().offset + 1;
  for (const auto& stored : log_.records(kStream, partition)) {
    if (stored.offset.value < next) continue;
    account.log.push_back({stored.offset.value, stored.appended_at.time_since_epoch().count(),
                           std::string(stored.key()), std::string(stored.value())});
  }
}

// Promise 4: only who took a partition last moves it.
void World::check_owners() {
  const auto& deeds = views_.deeds();
  for (; checked_deeds_ < deeds.size(); ++checked_deeds_) {
    const MemoryViews::Deed& deed = deeds[checked_deeds_];
    std::string& owner = owners_[deed.partition];
    if (deed.took) {
      owner = deed.owner;
    } else if (deed.owner != owner) {
      throw Broken(deed.owner + " moved a partition that " + owner + " has taken" +
                   where(deed.partition, 0));
    }
  }
}

// Rows before state: a state that is ahead of the view costs a refold, so only a restore of the
// view may leave one.
void World::check_state() {
  for (const Node& node : nodes_) {
    for (const auto& [partition, disk] : node.disks) {
      const auto stored = disk.rows().find("head");
      StateHead head;
      if (stored != disk.rows().end()) head.ParseFromString(stored->second);
      // Once it was allowed it may come back: a crash can lose the batch that cleared it.
      if (head.position() > views_.position(partition).position.value &&
          !ahead_.contains({node.index, partition})) {
        throw Broken("state is ahead of the view" + where(partition, head.position()));
      }
    }
  }
}

void World::check() {
  check_owners();
  check_state();
  bool moved = false;
  for (int p = 0; p < kPartitions; ++p) {
    const Partition partition{p};
    Account& account = accounts_[static_cast<std::size_t>(p)];
    const std::int64_t position = views_.position(partition).position.value;
    if (position == account.position) continue;
    if (position < account.position)
      throw Broken("the view went back" + where(partition, position));
    if (account.lost)
      throw Broken("a partition whose log was lost moved" + where(partition, position));
    read_log(partition);
    for (const LoggedRecord& record : account.log) {
      if (record.offset >= account.position && record.offset < position)
        account.refold.take(record);
    }
    account.position = position;
    moved = true;
  }
  // Rows may change only with a position; that they do not otherwise is looked at now and then.
  constexpr int kNowAndThen = 16;
  if (moved || ++unmoved_checks_ % kNowAndThen == 0) check_rows();
}

void World::check_rows() {
  std::map<std::string, tally::Box> boxes;
  std::map<std::pair<std::string, std::string>, tally::Member> members;
  std::map<std::pair<int, std::int64_t>, std::string> rejections;
  std::map<std::pair<int, std::int64_t>, std::string> quarantined;
  views_.for_each_row<tally::Box>([&](const tally::Box& row) { boxes[row.box_id()] = row; });
  views_.for_each_row<tally::Member>([&](const tally::Member& row) {
    members[{row.box_id(), row.member()}] = row;
  });
  for (int p = 0; p < kPartitions; ++p) {
    const Account& account = accounts_[static_cast<std::size_t>(p)];
    const auto at = where(Partition{p}, account.position);
    for (const auto& [id, box] : account.refold.boxes) {
      const auto row = boxes.find(id);
      if (row == boxes.end()) throw Broken("no row of " + id + at);
      if (row->second.changes() != box.changes ||
          row->second.members() != static_cast<std::int64_t>(box.members.size())) {
        throw Broken("wrong counts of " + id + ": " + row->second.ShortDebugString() + at);
      }
      boxes.erase(row);
      for (const auto& [name, member] : box.members) {
        const auto found = members.find({id, name});
        if (found == members.end()) throw Broken("no row of " + id + "/" + name + at);
        if (found->second.times() != member.times ||
            found->second.last_position() != member.last_position) {
          throw Broken("wrong row of " + id + "/" + name + ": " + found->second.ShortDebugString() +
                       at);
        }
        members.erase(found);
      }
    }
    std::map<std::int64_t, std::string> reasons;
    for (const Rejection& r : views_.rejections(Partition{p})) reasons[r.position.value] = r.reason;
    if (reasons != account.refold.rejections) throw Broken("wrong rejections" + at);
    std::map<std::int64_t, std::string> keys;
    for (const QuarantinedRecord& q : views_.quarantined(Partition{p}))
      keys[q.position.value] = q.key;
    if (keys != account.refold.quarantined) throw Broken("wrong quarantine" + at);
  }
  if (!boxes.empty()) throw Broken("a row too many: " + boxes.begin()->first);
  if (!members.empty()) throw Broken("a row too many: " + members.begin()->first.first);
}

// Everything works again: the view must reach the end, unless its log was lost.
void World::heal() {
  log_.set_away(false);
  for (Node& node : nodes_) {
    node.sink->finish_delayed();
    node.sink->set_away(false);
    crash(node);
    node.sink->set_away(false);
  }
  check();
  constexpr int kTurns = 4000;
  for (int i = 0; i < kTurns; ++i) {
    steady_ += milliseconds{500};
    bool done = true;
    for (Node& node : nodes_) turn(node);
    check();
    for (int p = 0; p < kPartitions; ++p) {
      const Account& account = accounts_[static_cast<std::size_t>(p)];
      const std::int64_t end = log_.range(kStream, Partition{p}).end.value;
      done = done && (account.lost || account.position == end);
    }
    if (done) return;
  }
  throw Broken("the view does not reach the end of the log");
}

}  // namespace sluice::simulation
