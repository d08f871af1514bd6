#pragma once

// How a test drives a domain's rules: it posts facts of the domain, and reads rows and what was
// emitted. After Kafka Streams' TopologyTestDriver.

#include <string_view>
#include <utility>

#include "projectors/engine/projection.h"
#include "tests/support/driven_fold.h"

namespace sluice {

template <Rules P>
class FoldDriver : public DrivenFold {
 public:
  using Event = typename P::Event;

  explicit FoldDriver(int partitions = kPartitions) : DrivenFold(describe<P>(""), partitions) {}

  // Folds the fact as it is, so it must meet its rules already, after the timers that are due by
  // `now`. Returns the reason for which it was rejected, or "".
  std::string_view post(const Event& event) { return post_any(event); }

  std::string_view post_as(const Actor& other, const Event& event) {
    const Actor before = std::exchange(actor, other);
    const std::string_view reason = post(event);
    actor = before;
    return reason;
  }
};

}  // namespace sluice
