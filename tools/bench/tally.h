#pragma once

// Folds votes as tally.proto says: what a drain costs where the domain asks for no more than that.

#include <string_view>

#include "deliberation/events.pb.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"
#include "tools/bench/tally.pb.h"

namespace sluice::bench {

// Of facts it knows vote.set.
class Tally {
 public:
  using Event = deliberation::Event;
  static constexpr int kVersion = 1;

  explicit Tally(Tables& tables) : conversations_(tables), opinions_(tables), ballots_(tables) {}

  void fold(const Event& event, const Record& record, Effects& effects);

 private:
  Table<tally::Conversation> conversations_;
  Table<tally::Opinion> opinions_;
  Table<tally::Ballot> ballots_;
};

}  // namespace sluice::bench
