#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/projection_sink.h"
#include "storage/view_monitor.h"
#include "tests/contract/seen_view.h"

namespace sluice::testing {

// What a technology gives to be held to the contract of every sink: one generation of projection
// "shapes", empty at first, of 3 partitions and the tables of tests/contract/shapes, and what its
// readers see.
class SinkUnderTest {
 public:
  virtual ~SinkUnderTest() = default;
  virtual ProjectionSink& sink() = 0;
  // Of the same view.
  virtual ViewMonitor& monitor() = 0;
  // The next flush goes through, or does not, and its answer is lost.
  virtual void lose_next_answer(bool went_through) = 0;

  [[nodiscard]] virtual const SeenView& seen() const = 0;
  // "id as_of" of Summary's rows, then "id place value" of Share's, both in order.
  [[nodiscard]] virtual std::vector<std::string> computed() const = 0;
  [[nodiscard]] virtual std::int64_t log_end(Partition partition) const = 0;
  [[nodiscard]] virtual std::string trouble(Partition partition) const = 0;
  // What a process said that wants the partition and has it not.
  [[nodiscard]] virtual std::string contender(Partition partition) const = 0;
  // How long the log has had the oldest record that the view lacks; nullopt: never taken.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> freshness(
      Partition partition) const = 0;
  // Of what is computed: "due computing failing", with " waits" if one has waited for a minute; ""
  // where none was shown.
  [[nodiscard]] virtual std::string progress(Partition partition) const = 0;
};

// One is made for each section.
using MakeSink = std::function<std::unique_ptr<SinkUnderTest>()>;

// What every sink keeps (storage/projection_sink.h). Called from a TEST_CASE.
void projection_sink_contract(const MakeSink& make);

}  // namespace sluice::testing
