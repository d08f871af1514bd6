#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "projectors/engine/fold/fact_fold.h"
#include "projectors/engine/fold/open_record.h"
#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/fold/waiting_records.h"
#include "projectors/engine/quarantine/parking.h"
#include "sluice/envelope.pb.h"
#include "storage/base/position.h"

namespace sluice {

// Control records in a partition's log: ticks, and what people decide of records that wait, or of a
// key's rows. Throws RulesFailed as FactFold does; Corrupt where a later program wrote the record.
// Used by one thread.
class Decisions {
 public:
  // All of one partition. They must outlive this.
  struct Parts {
    std::string_view projection;
    Partition partition;
    FactFold& facts;
    WaitingRecords& waiting;
    Parking& parking;
    Outcomes& outcomes;
  };
  explicit Decisions(const Parts& parts) : parts_(parts) {}

  // From now on only records of this key are folded: a discard of a timer that waits, which the
  // whole partition has numbered, is of the only one that can wait here.
  void fold_alone(std::string key) { alone_ = std::move(key); }

  // Does what the control record says. False: that was done before, or finds nothing.
  [[nodiscard]] bool apply(const OpenRecord& open);

  // The key that the record applied last asks to have repaired, once; empty: it asks for nothing.
  [[nodiscard]] std::string take_repair() { return std::exchange(repair_, {}); }

 private:
  void require_known(const OpenRecord& open) const;
  [[nodiscard]] bool decided_before(const OpenRecord& open);
  [[nodiscard]] bool decide(const OpenRecord& open);
  void tell(const OpenRecord& open, Decision::Kind kind, std::optional<Offset> offset);
  [[nodiscard]] Offset discarded(const Control::Discard& control) const;

  const Parts parts_;
  std::string repair_;
  std::string alone_;  // empty: it is the whole partition that is folded
};

}  // namespace sluice
