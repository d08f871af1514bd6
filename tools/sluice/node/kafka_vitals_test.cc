#include "tools/sluice/node/kafka_vitals.h"

#include <catch2/catch.hpp>
#include <vector>

namespace sluice {
namespace {

// Shortened from what librdkafka 2.0 tells, by its STATISTICS.md.
std::string told(const std::string& name, int received, const std::string& state = "UP") {
  return R"({"name":")" + name + R"(","type":"consumer","brokers":{
    "127.0.0.1:9092/1":{"nodeid":1,"nodename":"127.0.0.1:9092","source":"learned","state":")" +
         state + R"(","rxbytes":)" + std::to_string(received) +
         R"(,"txbytes":10,"req_timeouts":1,"txerrs":2,"rxerrs":3,"disconnects":1,
      "rtt":{"avg":2500},"throttle":{"avg":40}},
    "GroupCoordinator":{"nodeid":1,"nodename":"127.0.0.1:9092","source":"logical","state":"UP",
      "rxbytes":5,"txbytes":1,"rtt":{"avg":900}},
    ":0/internal":{"nodeid":-1,"nodename":":0","source":"internal","state":"UP"}},
  "topics":{"a.events":{"partitions":{
    "0":{"fetchq_cnt":7,"fetchq_size":700},"-1":{"fetchq_cnt":0,"fetchq_size":0}}}}})";
}

std::optional<KafkaVitals> add(KafkaTotals& totals, std::vector<std::string> statistics) {
  return totals.add(statistics);
}

}  // namespace

TEST_CASE("before a reader has told anything there is nothing to tell") {
  KafkaTotals totals;
  CHECK_FALSE(add(totals, {}));
}

TEST_CASE("what readers tell is added up, and brokers count once") {
  KafkaTotals totals;
  const auto vitals = add(totals, {told("a", 100), told("b", 200, "DOWN")});
  REQUIRE(vitals);
  CHECK(vitals->readers == 2);
  CHECK(vitals->brokers == 1);
  CHECK(vitals->brokers_up == 1);
  CHECK(vitals->round_trip_seconds == Approx(0.0025));
  CHECK(vitals->throttled_seconds == Approx(0.04));
  CHECK(vitals->fetched_records == 14);
  CHECK(vitals->fetched_bytes == 1400);
  CHECK(vitals->received_bytes == 310);
  CHECK(vitals->request_timeouts == 2);
  CHECK(vitals->request_errors == 10);
  CHECK(add(totals, {told("a", 100, "DOWN")})->brokers_up == 0);
}

TEST_CASE("counts never fall, whichever reader ends and begins anew") {
  KafkaTotals totals;
  CHECK(add(totals, {told("a", 100)})->received_bytes == 105);
  CHECK(add(totals, {told("a", 150), told("b", 10)})->received_bytes == 170);
  CHECK(add(totals, {told("b", 20)})->received_bytes == 180);
  CHECK(add(totals, {told("c", 1)})->received_bytes == 186);
  CHECK(add(totals, {told("c", 1)})->received_bytes == 186);
}

TEST_CASE("what cannot be read is left out") {
  KafkaTotals totals;
  const auto vitals = add(totals, {"{", told("a", 100), "[]"});
  REQUIRE(vitals);
  CHECK(vitals->readers == 1);
}

}  // namespace sluice
