#pragma once

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "projectors/engine/computed/computations.h"

namespace sluice {

// Computations of a process, as metrics. Any thread.
class ComputationMetrics {
 public:
  // Both outlive this.
  ComputationMetrics(prometheus::Registry& registry, const Computations& computations);

  // Brings the metrics to where the computations are.
  void refresh();

 private:
  const Computations& computations_;
  prometheus::Gauge& running_;
  prometheus::Gauge& due_;
  prometheus::Gauge& unpublished_;
  prometheus::Gauge& oldest_due_;
  prometheus::Gauge& done_;
  prometheus::Gauge& failed_;
  prometheus::Gauge& spent_;
};

}  // namespace sluice
