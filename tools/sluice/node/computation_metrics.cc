#include "tools/sluice/node/computation_metrics.h"

#include <chrono>

namespace sluice {
namespace {

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

ComputationMetrics::ComputationMetrics(prometheus::Registry& registry,
                                       const Computations& computations)
    : computations_(computations),
      running_(gauge(registry, "sluice_computations_running",
                     "Keys that are being computed, or whose result is not yet published")),
      due_(gauge(registry, "sluice_computations_due",
                 "Keys whose computed rows are behind their input, and which do not run")),
      unpublished_(
          gauge(registry, "sluice_computations_unpublished", "Results that wait to be published")),
      oldest_due_(gauge(registry, "sluice_computations_oldest_due_seconds",
                        "How long the longest has waited since it might have begun")),
      done_(gauge(registry, "sluice_computations_done_total", "Computations that came to an end")),
      failed_(gauge(registry, "sluice_computations_failed_total", "Computations that failed")),
      spent_(gauge(registry, "sluice_computations_seconds_total", "Time spent computing")) {}

void ComputationMetrics::refresh() {
  const Computations::Totals totals = computations_.totals();
  running_.Set(static_cast<double>(totals.now.running));
  due_.Set(static_cast<double>(totals.now.due));
  unpublished_.Set(static_cast<double>(totals.unpublished));
  oldest_due_.Set(seconds(totals.now.oldest_due));
  done_.Set(static_cast<double>(totals.done));
  failed_.Set(static_cast<double>(totals.failed));
  spent_.Set(seconds(totals.spent));
}

}  // namespace sluice
