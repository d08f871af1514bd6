#include "tools/sluice/node/computation_metrics.h"

#include <chrono>

namespace sluice {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void add_computation_metrics(const Computations& computations, MetricFamilies& families) {
  const Computations::Totals totals = computations.totals();
  const auto gauge = [&](const char* name, const char* help, double value) {
    add_gauge(families, name, help, value);
  };
  const auto counter = [&](const char* name, const char* help, double value) {
    add_counter(families, name, help, value);
  };
  gauge("sluice_computations_running",
        "Keys that are being computed, or whose result is not yet published",
        static_cast<double>(totals.now.running));
  gauge("sluice_computations_due",
        "Keys whose computed rows are behind their input, and which do not run",
        static_cast<double>(totals.now.due));
  gauge("sluice_computations_unpublished", "Results that wait to be published",
        static_cast<double>(totals.unpublished));
  gauge("sluice_computations_oldest_due_seconds",
        "How long the longest has waited since it might have begun",
        seconds(totals.now.oldest_due));
  counter("sluice_computations_done_total", "Computations that came to an end",
          static_cast<double>(totals.done));
  counter("sluice_computations_failed_total", "Computations that failed",
          static_cast<double>(totals.failed));
  counter("sluice_computations_seconds_total", "Time spent computing", seconds(totals.spent));
}

}  // namespace sluice
