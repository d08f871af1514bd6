#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "projectors/engine/fold/envelope_view.h"
#include "projectors/engine/fold/fact_fold.h"
#include "projectors/engine/fold/open_record.h"
#include "projectors/engine/quarantine/parking.h"
#include "projectors/engine/quarantine/quarantine.h"
#include "projectors/engine/quarantine/rule_failures.h"
#include "projectors/engine/quarantine/unfoldable.h"
#include "projectors/engine/time/timers.h"
#include "sluice/envelope.pb.h"
#include "sluice/state.pb.h"
#include "storage/base/position.h"

namespace sluice {

// The records and timers of a partition that wait under their keys: how they come to wait, and what
// becomes of them when a person decides, or when a person is erased. Throws RulesFailed as FactFold
// does. Used by one thread.
class WaitingRecords {
 public:
  // All of one partition. They must outlive this.
  struct Parts {
    const RecordOpener& opener;
    FactFold& facts;
    Parking& parking;
    Quarantine& quarantine;
    Timers& timers;
    const RuleFailures& failures;
    Partition partition;
  };
  // The record that lets what waits be folded: its offset, and when the log appended it.
  struct Occasion {
    Offset folds_at;
    Time appended_at;
  };

  explicit WaitingRecords(const Parts& parts) : parts_(parts) {}

  // Moves record time on to the record's. False: a timer of the record's own key failed, which was
  // due before the record's fact, so that this waits behind it.
  [[nodiscard]] bool move_time(const OpenRecord& open);
  // The record waits: behind what waits of its key, because its rules failed, or for a person
  // because of its stamp. Where it erases a person it does so before it waits: nobody knows how
  // long that will be.
  void park(const OpenRecord& open);
  // The record is in quarantine from now on, which shows why.
  void quarantine(const OpenRecord& open, Unfoldable why);

  // What waits under the key is folded, in order, up to what cannot be.
  void release(std::string_view key, const Occasion& by, const Control::Release& given = {});
  // What `decision`, a control record, names goes, and what waited behind it is released. What
  // waits under another key than the decision's, where that has one, stays: the number of a timer
  // that waits is the partition's, and under other rules another key's timer may bear it.
  // `position`: what is named. False: nothing waits there.
  bool discard(const OpenRecord& decision, Offset position);
  // The event in `decision`, a control record, takes the place of the record that it names, then
  // what can be folded is. Where it has to wait on, it does so as one that came in that place.
  // False: no such record waits.
  bool edit(const OpenRecord& decision);

 private:
  // Opens and decodes a record that waits. Why it cannot be folded; nullopt: it is the fact at
  // hand.
  [[nodiscard]] std::optional<Unfoldable> unfoldable(const OpenRecord& open);
  [[nodiscard]] Unfoldable waits_because(const OpenRecord& open, std::string reason);
  void erase_waiting(const OpenRecord& eraser, const std::string& person);
  [[nodiscard]] OpenRecord open_released(const ParkedRecord& parked, const Occasion& by);
  [[nodiscard]] bool release_timers(std::string_view key, Offset folds_at);
  [[nodiscard]] std::optional<std::string> why_not(const OpenRecord& open);
  void wait_edited(const OpenRecord& edited);

  const Parts parts_;
  // A record that waited and is looked at, and an event that takes the place of one, while another
  // record is at hand.
  EnvelopeOpener waiting_;
  EnvelopeOpener edited_;
};

}  // namespace sluice
