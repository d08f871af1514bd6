#pragma once

// Facts through a domain's rules, on one partition: time moves on and fires what is due, repeats
// are told, then the rules fold. Throws RulesFailed when these throw, but for what the store throws
// (storage/base/errors.h) and want of memory: then everything since the last write must be dropped.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "projectors/engine/dedupe/dedupe.h"
#include "projectors/engine/derived/emission_digests.h"
#include "projectors/engine/derived/outbox.h"
#include "projectors/engine/fold/fact_decoder.h"
#include "projectors/engine/fold/fold_watch.h"
#include "projectors/engine/fold/open_record.h"
#include "projectors/engine/fold/outcomes.h"
#include "projectors/engine/key_index/key_index.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/quarantine/parking.h"
#include "projectors/engine/quarantine/quarantine.h"
#include "projectors/engine/quarantine/rule_failures.h"
#include "projectors/engine/tables/partition_tables.h"
#include "projectors/engine/time/timers.h"

namespace sluice {

// What a fact's fold is made on: all of one partition. They must outlive it.
struct FactFoldParts {
  Tables& tables;
  Timers& timers;
  DedupeWindow& dedupe;
  Outbox& outbox;
  Outcomes& outcomes;
  Parking& parking;
  Quarantine& quarantine;
  const RuleFailures& failures;
  KeyIndex& index;
  EmissionDigests* emissions = nullptr;  // null: what is emitted is not told
};

// Used by one thread.
class FactFold {
 public:
  FactFold(Fold& rules, const FactFoldParts& parts)
      : rules_(rules), parts_(parts), decoder_(rules.event()) {}

  // Decodes the event's payload. What is wrong with it; nullopt: it can be folded, and is the fact
  // at hand until another is decoded.
  [[nodiscard]] std::optional<Unfoldable> decode(const OpenRecord& open);
  // That fact's event.
  [[nodiscard]] const google::protobuf::Message& event() const { return rules_.event(); }

  // Folds the fact at hand, which `open` holds, to which time was moved, and which is not known to
  // fail.
  void fold(const OpenRecord& open);

  // The fact at hand, which `open` holds and which is this person's, waits. False: what the rules
  // have to say of that is known to fail.
  bool waits(const OpenRecord& open, const std::string& person);

  // Moves record time on to the record's, and fires what is due then.
  void move_time(const OpenRecord& open);
  // Fires what is due at record time, while the record at this offset is folded. A timer whose rule
  // is known to fail waits in quarantine, and those of its key that come due behind it.
  void fire_due(Offset folds_at);

  // Whether the id that `open` names has counted before under its key; counts it now. Another
  // content under the same id is a rejection.
  [[nodiscard]] bool counted_before(const OpenRecord& open);

  // Is told what becomes of a record; outlives this. Null: nobody asks.
  void set_watch(FoldWatch* watch) { watch_ = watch; }

  // The greatest recorded_at so far.
  [[nodiscard]] Time record_time() const { return record_time_; }
  void set_record_time(Time time) { record_time_ = time; }

 private:
  void fire(Timer timer, Offset folds_at);
  // `call` names it, once it has failed.
  template <class Call, class Rules>
  static void run(Call call, Rules rules);
  void reject(const OpenRecord& open, std::string_view reason);
  // What the fact or timer at hand, of this key, has emitted.
  void tell_emissions(std::string_view key);

  Fold& rules_;
  const FactFoldParts parts_;
  FactDecoder decoder_;
  Time record_time_;
  FoldWatch* watch_ = nullptr;
};

[[nodiscard]] inline bool by_service(const OpenRecord& open) {
  return open.envelope.actor->role() == Actor::ROLE_SERVICE;
}

}  // namespace sluice
