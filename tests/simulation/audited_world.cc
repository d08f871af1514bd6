#include "tests/simulation/audited_world.h"

#include <catch2/catch.hpp>
#include <cctype>
#include <chrono>
#include <limits>

#include "projectors/engine/tables/row_key.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr int kStepsMax = 100'000;

std::string state_key(const google::protobuf::Message& row) {
  std::string bytes;
  row_key::append_key_of(bytes, row);
  return bytes;
}

tally::Member member_of(const std::string& box, const std::string& member) {
  tally::Member row;
  row.set_box_id(box);
  row.set_member(member);
  row.set_times(1);
  return row;
}

}  // namespace

std::shared_ptr<StateStore> scratch_store() {
  struct Scratch {
    MemoryState state;
    MemoryStateStore store{state};
  };
  const auto made = std::make_shared<Scratch>();
  return {made, &made->store};
}

AuditedWorld::AuditedWorld(std::uint64_t seed, bool calm, const PartitionAudit::Limits& limits)
    : random_(seed), calm_(calm), limits_(limits) {
  for (const char* own : kBoxes) REQUIRE(partition_of(own, kPartitions) == kOnly);
  REQUIRE(partition_of(kForeign, kPartitions) != kOnly);
  pair_.tally.flushes_when_full = true;
  tally::Box box;
  box.set_box_id(kForeign);
  pair_.tally.views.put(box);
  for (int i = 0; i < 5; ++i) pair_.tally.views.put(member_of(kForeign, "m" + std::to_string(i)));
  begin_audit();
}

void AuditedWorld::run(const Projection& rules) {
  audit_.reset();
  projection_ = rules;
  pair_.tally.run(rules);
  begin_audit();
}

void AuditedWorld::begin_audit() {
  audit_.emplace(AuditedPartition{projection_, pair_.tally.views.generation(), kOnly},
                 PartitionAudit::Parts{.lend = [this] { return lend(); },
                                       .view = view_,
                                       .book = book_,
                                       .read = [this](Offset offset) { return read(offset); },
                                       .scratch = scratch_store},
                 limits_);
}

int AuditedWorld::below(int bound) {
  return static_cast<int>(random_() % static_cast<unsigned>(bound));
}

void AuditedWorld::happen() {
  switch (below(13)) {
    case 0:
      return pair_.remove(box(), member(), id());
    case 1:
      return chance(20) ? pair_.empty(box(), id()) : expel();
    case 2:
      return calm_ ? add() : pair_.tally.append_bytes(box(), "no envelope");
    case 3:
      return crash();
    case 4:
      return !calm_ && chance(50) ? decide() : repair();
    case 5:
      pair_.now += milliseconds{below(900)};
      pair_.tally.now = pair_.now;
      return;
    case 6:
    case 7:
      return pair_.tally.flush();
    case 8:
      return calm_ ? add() : misroute();
    default:
      return add();
  }
}

std::optional<KeyLook::Seen> AuditedWorld::look() {
  KeyLook look(
      {projection_, pair_.tally.views.generation(), kOnly}, [this] { return lend(); }, view_,
      [this](Offset offset) { return read(offset); });
  busy_ = true;
  auto seen = look.at_slice({.last = std::numeric_limits<std::uint64_t>::max(),
                             .postings_max = 10'000,
                             .of_one_max = KeyLook::kRecordsMax});
  busy_ = false;
  return seen;
}

void AuditedWorld::audit() {
  busy_ = true;
  (void)audit_->step();
  busy_ = false;
  if (chance(5)) begin_audit();
}

void AuditedWorld::round() {
  const std::int64_t before = audit_->standing().round;
  // One that had begun before was over some keys already.
  for (int steps = 0; audit_->standing().round < before + 2; ++steps) {
    REQUIRE(steps < kStepsMax);
    (void)audit_->step();
  }
}

void AuditedWorld::settle() {
  pair_.tally.flush();
  pair_.tally.flush();
}

std::string AuditedWorld::place(RowFault::Side side, RowFault::What what,
                                const google::protobuf::Message& row) {
  return std::string(word(side)) + " " + std::string(word(what)) + " " +
         row.GetDescriptor()->name() + " " + key_json(row);
}

AuditedWorld::Places AuditedWorld::found() {
  Places places;
  for (const RowFault& fault : book_.differences(kOnly)) {
    std::string table = fault.table;
    table.front() = static_cast<char>(std::toupper(table.front()));
    places.insert(std::string(word(fault.side)) + " " + std::string(word(fault.what)) + " " +
                  table + " " + fault.key);
  }
  return places;
}

AuditedWorld::Places AuditedWorld::tamper() {
  Places places;
  std::set<std::string> done;
  const auto each = [&](const google::protobuf::Message& row, auto change) {
    for (const RowFault::Side side : {RowFault::Side::view, RowFault::Side::state}) {
      if (!chance(15)) continue;
      const std::unique_ptr<google::protobuf::Message> other(row.New());
      other->CopyFrom(row);
      const bool gone = chance(40);
      if (!gone) change(*other);
      places.insert(place(side, gone ? RowFault::What::missing : RowFault::What::changed, row));
      put(side, *other, gone);
    }
  };
  for (const auto& row : pair_.tally.rows<tally::Box>()) {
    if (row.box_id() == kForeign) continue;
    each(row, [](auto& other) { static_cast<tally::Box&>(other).set_members(77); });
  }
  for (const auto& row : pair_.tally.rows<tally::Member>()) {
    if (row.box_id() == kForeign) continue;
    each(row, [](auto& other) { static_cast<tally::Member&>(other).set_times(-1); });
  }
  // Of a key that there is, of one that no index knows, and of one whose rows in the view are
  // right.
  for (const std::string stranger : {"box0", "none", kForeign}) {
    for (const RowFault::Side side : {RowFault::Side::view, RowFault::Side::state}) {
      if (!chance(40) || (stranger == kForeign && side == RowFault::Side::view)) continue;
      const tally::Member row = member_of(stranger, "stranger");
      places.insert(place(side, RowFault::What::extra, row));
      put(side, row, false);
    }
  }
  return places;
}

void AuditedWorld::restore() {
  for (auto& undo : undo_) undo();
  undo_.clear();
}

void AuditedWorld::look_again() {
  for (int i = 0; i < 20; ++i) CHECK(audit_->look_again() == PartitionAudit::Did::looked);
}

// Also what would be an event, where it belonged.
void AuditedWorld::misroute() {
  if (chance(50)) return pair_.tally.append_bytes(kForeign, "no envelope");
  pair_.add(kForeign, member(), id());
}

void AuditedWorld::add() {
  tally::Event event;
  const std::string in = box();
  event.mutable_member_added()->set_box_id(in);
  event.mutable_member_added()->set_member(member());
  constexpr int kHarmless = 64;
  const int stay = calm_ ? kHarmless * (1 + below(10)) : 1 + below(700);
  if (chance(40)) event.mutable_member_added()->set_stay_ms(stay);
  pair_.tally.post(event, in, id());
}

void AuditedWorld::expel() {
  tally::Event event;
  const std::string in = box();
  event.mutable_member_expelled()->set_box_id(in);
  event.mutable_member_expelled()->set_member(member());
  pair_.tally.post(event, in, id());
}

void AuditedWorld::repair() {
  Envelope envelope;
  envelope.set_id(id());
  envelope.set_key(box());
  envelope.set_recorded_at(pair_.now.time_since_epoch().count());
  if (!calm_ && chance(50)) {
    envelope.mutable_control()->mutable_release();
  } else {
    envelope.mutable_control()->mutable_repair();
  }
  pair_.tally.append(envelope);
}

// On one of the last records, or a timer.
void AuditedWorld::decide() {
  const auto end = static_cast<int>(pair_.log.records("tally.events", kOnly).size());
  Envelope envelope;
  if (chance(50)) envelope.set_id(id());
  envelope.set_key(box());
  envelope.set_recorded_at(pair_.now.time_since_epoch().count());
  envelope.mutable_control()->mutable_discard()->set_offset(
      chance(30) ? -1 - below(4) : std::max(0, end - 1 - below(12)));
  pair_.tally.append(envelope);
}

void AuditedWorld::crash() {
  if (chance(50)) pair_.tally.state.lose_newest(static_cast<std::size_t>(below(4)));
  pair_.tally.restart();
  // Not all that is replayed is folded at once.
  if (chance(70)) pair_.tally.fold();
}

std::unique_ptr<LentState> AuditedWorld::lend() {
  if (busy_ && chance(20)) happen();
  const auto& projector = pair_.tally.projector;
  if (!projector || projector->replaying() || projector->awaited() || projector->in_doubt() ||
      projector->written() != projector->flushed()) {
    return nullptr;
  }
  store_.emplace(pair_.tally.state);
  return std::make_unique<LentState>(std::make_shared<SharedState>(*store_));
}

LogRecord AuditedWorld::read(Offset offset) {
  if (busy_ && chance(2)) happen();
  for (const auto& stored : pair_.log.records("tally.events", kOnly)) {
    if (stored.offset != offset) continue;
    key_ = stored.key();
    value_ = stored.value();
    return {kOnly, offset, stored.appended_at, key_, value_};
  }
  throw Corrupt("the log has no such record");
}

void AuditedWorld::put_damaged(const std::string& box, bool behind_box) {
  tally::Member row;
  row.set_box_id(box);
  row.set_member("stranger");
  std::string key = state_key(row);
  key.resize(key.size() - std::string("stranger__").size() - (behind_box ? 0 : 2));
  StateBatch batch;
  batch.put(key, row.SerializeAsString());
  pair_.tally.state.write(batch);
}

void AuditedWorld::put(RowFault::Side side, const google::protobuf::Message& row, bool gone) {
  if (side == RowFault::Side::view) {
    const MemoryViews before = pair_.tally.views;
    undo_.insert(undo_.begin(), [this, before] { pair_.tally.views = before; });
    if (gone) return pair_.tally.views.take(row);
    return pair_.tally.views.put(row);
  }
  const MemoryState before = pair_.tally.state;
  undo_.insert(undo_.begin(), [this, before] { pair_.tally.state.become(before); });
  StateBatch batch;
  if (gone) {
    batch.erase(state_key(row));
  } else {
    batch.put(state_key(row), row.SerializeAsString());
  }
  pair_.tally.state.write(batch);
}

}  // namespace sluice
