#pragma once

// Boxes of the tally whose rules throw, by their members' stays: see tally/projection.cc.

#include <array>
#include <string>
#include <vector>

#include "projectors/engine/fold/refold.h"
#include "projectors/engine/tables/stored_rows.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/two_sides.h"

namespace sluice {

// A tally with one member, "m" in box "b", and what may go wrong there. Offsets decide what fails:
// see tally/projection.cc.
struct Boxes : Pair {
  Boxes() { add("b", "m", "e0"); }

  void add_for(const std::string& box, const std::string& member, std::int64_t stay_ms) {
    tally::Event event;
    event.mutable_member_added()->set_box_id(box);
    event.mutable_member_added()->set_member(member);
    event.mutable_member_added()->set_stay_ms(stay_ms);
    tally.post(event, box, "e" + std::to_string(end()));
  }
  void control(const std::string& key, const Control& control) {
    Envelope envelope;
    envelope.set_key(key);
    envelope.set_recorded_at(now.time_since_epoch().count());
    *envelope.mutable_control() = control;
    tally.append(envelope);
  }
  void tick() {
    Control tick;
    tick.mutable_tick();
    control("", tick);
  }
  void release(const std::string& key) {
    Control release;
    release.mutable_release();
    control(key, release);
  }
  void discard(const std::string& key, std::int64_t offset) {
    Control discard;
    discard.mutable_discard()->set_offset(offset);
    control(key, discard);
  }
  void pass(std::chrono::milliseconds time) { tally.now = now += time; }
  // Until the next record has an offset of this remainder.
  void pass_to(std::int64_t remainder, std::int64_t of) {
    while (end() % of != remainder) tick();
  }
  [[nodiscard]] std::int64_t end() { return static_cast<std::int64_t>(tally.log().size()); }

  std::string members(const std::string& box) {
    tally.flush();
    std::string all;
    for (const auto& row : tally.rows<tally::Member>()) {
      if (row.box_id() == box) all += row.member();
    }
    return all;
  }
  std::string box(const std::string& id) {
    tally.flush();
    for (const auto& row : tally.rows<tally::Box>()) {
      if (row.box_id() == id) return text(row);
    }
    return {};
  }
  std::vector<QuarantinedRecord> quarantined() {
    tally.flush();
    return tally.views.quarantined(kOnly);
  }
  // As verify does it, writing its state behind every record or never.
  std::string refolded(std::size_t memory) {
    MemoryState state;
    MemoryStateStore store(state);
    const Projection projection = describe<Tally>("tally");
    const Generation generation{.projection = "tally",
                                .unique_id = "refold",
                                .version = projection.version,
                                .partitions = 1,
                                .dedupe_horizon = kHorizon,
                                .quarantine_retention = kRetention};
    Refold refold(projection, generation, kOnly, {memory, 1U << 20}, store);
    const auto& records = log.records("tally.events", kOnly);
    while (refold.position().value < static_cast<std::int64_t>(records.size())) {
      const auto& r = records[static_cast<std::size_t>(refold.position().value)];
      static_cast<void>(refold.fold({kOnly, r.offset, r.appended_at, r.key(), r.value()}));
    }
    refold.write_state();
    std::string all;
    for (const auto* row : {tally::Box::descriptor(), tally::Member::descriptor()}) {
      StoredRows rows(store,
                      *google::protobuf::MessageFactory::generated_factory()->GetPrototype(row));
      while (const auto* next = rows.next()) all += text(*next) + "\n";
    }
    return all;
  }
  // Of the rows alone: of a box what readers see of it.
  std::string rows() {
    tally.flush();
    std::string all;
    for (const auto& row : tally.rows<tally::Box>()) all += text(row) + "\n";
    for (const auto& row : tally.rows<tally::Member>()) all += text(row) + "\n";
    return all;
  }
  static std::string text(const google::protobuf::Message& row) {
    if (row.GetDescriptor() != tally::Box::descriptor()) return row.ShortDebugString();
    tally::Box shown;
    shown.CopyFrom(row);
    shown.clear_changed_at();
    return shown.ShortDebugString();
  }
};

// Stays, beyond a multiple of 64, at which a rule fails in one way or another.
inline constexpr std::int64_t kThrows = 5;
inline constexpr std::int64_t kBreaksCheck = 13;
inline constexpr std::int64_t kThrowsText = 21;
inline constexpr std::int64_t kTimerThrows = 35;
inline constexpr std::int64_t kTimerForEver = 43;
inline constexpr std::array kBadStays{kThrows, kBreaksCheck, kThrowsText, kTimerThrows,
                                      kTimerForEver};

}  // namespace sluice
