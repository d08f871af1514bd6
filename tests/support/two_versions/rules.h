#pragma once

// Two small domains, the first in as many versions as programs are built of it.

#include "counters/events.pb.h"
#include "counters/tables.pb.h"
#include "echoes/events.pb.h"
#include "echoes/tables.pb.h"
#include "projectors/engine/projection.h"

namespace sluice {

class Counters {
 public:
  using Event = counters::Event;
  static constexpr int kVersion = SLUICE_COUNTERS_VERSION;
  static constexpr bool kEmits = true;
  explicit Counters(Tables& tables) : counters_(tables) {}
  void fold(const Event& event, const Record& record, Effects& effects);

 private:
  Table<counters::Counter> counters_;
};

class Echoes {
 public:
  using Event = echoes::Event;
  static constexpr int kVersion = 1;
  explicit Echoes(Tables& tables) : echoes_(tables) {}
  void fold(const Event& event, const Record& record, Effects& effects);

 private:
  Table<echoes::Echo> echoes_;
};

}  // namespace sluice
