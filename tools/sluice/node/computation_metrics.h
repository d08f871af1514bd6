#pragma once

#include "projectors/engine/computed/computations.h"
#include "tools/sluice/node/metric_families.h"

namespace sluice {

// Computations of a process, as metrics. Any thread.
void add_computation_metrics(const Computations& computations, MetricFamilies& families);

}  // namespace sluice
