#include "tools/sluice/node/kafka_vitals.h"

#include <simdjson.h>

#include <algorithm>
#include <string_view>

namespace sluice {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr double kMicrosecond = 1e-6;
constexpr double kMillisecond = 1e-3;

std::int64_t number(object of, std::string_view name) {
  std::int64_t value = 0;
  return of[name].get(value) == simdjson::SUCCESS ? value : 0;
}

std::uint64_t count(object of, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number(of, name), 0));
}

std::string_view text(object of, std::string_view name) {
  std::string_view value;
  return of[name].get(value) == simdjson::SUCCESS ? value : std::string_view();
}

// Calls visit(name, object) for each object in the object of this name.
template <class Visit>
void for_each(object of, std::string_view name, Visit visit) {
  object all;
  if (of[name].get(all) != simdjson::SUCCESS) return;
  for (const auto& field : all) {
    object each;
    if (field.value.get(each) == simdjson::SUCCESS) visit(field.key, each);
  }
}

double mean(object of, std::string_view name, double unit) {
  object window;
  if (of[name].get(window) != simdjson::SUCCESS) return 0;
  return static_cast<double>(number(window, "avg")) * unit;
}

}  // namespace

std::optional<KafkaVitals> KafkaTotals::add(std::span<const std::string> statistics) {
  if (statistics.empty()) return std::nullopt;
  KafkaVitals vitals;
  std::map<std::string, bool> brokers;  // by name: whether it is up
  std::map<std::string, Counted> now;
  simdjson::dom::parser parser;
  for (const std::string& json : statistics) {
    object told;
    if (parser.parse(json).get(told) != simdjson::SUCCESS) continue;
    ++vitals.readers;
    Counted& counted = now[std::string(text(told, "name"))];
    for_each(told, "brokers", [&](std::string_view, object broker) {
      counted.received_bytes += count(broker, "rxbytes");
      counted.sent_bytes += count(broker, "txbytes");
      counted.request_timeouts += count(broker, "req_timeouts");
      counted.request_errors += count(broker, "txerrs") + count(broker, "rxerrs");
      counted.disconnects += count(broker, "disconnects");
      vitals.round_trip_seconds =
          std::max(vitals.round_trip_seconds, mean(broker, "rtt", kMicrosecond));
      vitals.throttled_seconds =
          std::max(vitals.throttled_seconds, mean(broker, "throttle", kMillisecond));
      // Not the places that it was told to begin at, nor those that stand for a role.
      const std::string_view source = text(broker, "source");
      if (number(broker, "nodeid") < 0 || source == "logical" || source == "internal") return;
      brokers[std::string(text(broker, "nodename"))] |= text(broker, "state") == "UP";
    });
    for_each(told, "topics", [&](std::string_view, object topic) {
      for_each(topic, "partitions", [&](std::string_view, object partition) {
        vitals.fetched_records += count(partition, "fetchq_cnt");
        vitals.fetched_bytes += count(partition, "fetchq_size");
      });
    });
  }
  const auto add_up = [](Counted& sum, const Counted& more) {
    sum.received_bytes += more.received_bytes;
    sum.sent_bytes += more.sent_bytes;
    sum.request_timeouts += more.request_timeouts;
    sum.request_errors += more.request_errors;
    sum.disconnects += more.disconnects;
  };
  for (const auto& [name, counted] : last_) {
    if (!now.contains(name)) add_up(ended_, counted);
  }
  Counted sum = ended_;
  for (const auto& [name, counted] : now) add_up(sum, counted);
  last_ = std::move(now);
  vitals.brokers = brokers.size();
  vitals.brokers_up = static_cast<std::uint64_t>(
      std::ranges::count_if(brokers, [](const auto& b) { return b.second; }));
  vitals.received_bytes = sum.received_bytes;
  vitals.sent_bytes = sum.sent_bytes;
  vitals.request_timeouts = sum.request_timeouts;
  vitals.request_errors = sum.request_errors;
  vitals.disconnects = sum.disconnects;
  return vitals;
}

}  // namespace sluice
