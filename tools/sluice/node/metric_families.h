#pragma once

// Metrics as they are shown, made anew each time from numbers that are kept elsewhere.

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projectors/engine/run/histogram.h"

namespace sluice {

using MetricFamilies = std::vector<prometheus::MetricFamily>;
using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

// One family, to which numbers are added.
class MetricFamily {
 public:
  MetricFamily(std::string_view name, prometheus::MetricType type, std::string_view help);

  // Of a gauge or a counter, as the family is.
  void add(const MetricLabels& labels, double value);
  void add(const MetricLabels& labels, const Histogram& histogram);

  // Into `families`, unless nothing was added.
  void move_to(MetricFamilies& families) &&;

 private:
  prometheus::ClientMetric& added(const MetricLabels& labels);

  prometheus::MetricFamily family_;
};

[[nodiscard]] MetricFamily gauge_family(std::string_view name, std::string_view help);
[[nodiscard]] MetricFamily counter_family(std::string_view name, std::string_view help);
[[nodiscard]] MetricFamily histogram_family(std::string_view name, std::string_view help);

// A family of one number.
void add_gauge(MetricFamilies& families, std::string_view name, std::string_view help,
               double value);
void add_counter(MetricFamilies& families, std::string_view name, std::string_view help,
                 double value);

}  // namespace sluice
