#include "tools/sluice/node/metric_families.h"

#include <limits>

namespace sluice {

MetricFamily::MetricFamily(std::string_view name, prometheus::MetricType type,
                           std::string_view help) {
  family_.name = name;
  family_.help = help;
  family_.type = type;
}

prometheus::ClientMetric& MetricFamily::added(const MetricLabels& labels) {
  prometheus::ClientMetric& metric = family_.metric.emplace_back();
  for (const auto& [name, value] : labels) {
    metric.label.push_back({std::string(name), std::string(value)});
  }
  return metric;
}

void MetricFamily::add(const MetricLabels& labels, double value) {
  prometheus::ClientMetric& metric = added(labels);
  if (family_.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void MetricFamily::add(const MetricLabels& labels, const Histogram& histogram) {
  prometheus::ClientMetric::Histogram& shown = added(labels).histogram;
  shown.sample_count = histogram.count();
  shown.sample_sum = histogram.sum();
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
    below += histogram.counts()[i];
    const bool last = i == histogram.bounds().size();
    shown.bucket.push_back(
        {below, last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i]});
  }
}

void MetricFamily::move_to(MetricFamilies& families) && {
  if (!family_.metric.empty()) families.push_back(std::move(family_));
}

MetricFamily gauge_family(std::string_view name, std::string_view help) {
  return {name, prometheus::MetricType::Gauge, help};
}

MetricFamily counter_family(std::string_view name, std::string_view help) {
  return {name, prometheus::MetricType::Counter, help};
}

MetricFamily histogram_family(std::string_view name, std::string_view help) {
  return {name, prometheus::MetricType::Histogram, help};
}

void add_gauge(MetricFamilies& families, std::string_view name, std::string_view help,
               double value) {
  MetricFamily family = gauge_family(name, help);
  family.add({}, value);
  std::move(family).move_to(families);
}

void add_counter(MetricFamilies& families, std::string_view name, std::string_view help,
                 double value) {
  MetricFamily family = counter_family(name, help);
  family.add({}, value);
  std::move(family).move_to(families);
}

}  // namespace sluice
