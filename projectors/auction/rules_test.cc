// What schemas/auction/events.proto asks of a fact by itself.

#include "schemas/descriptors/rules.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/support/auction_facts.h"

namespace sluice {
namespace {

using namespace auctions;

// The fields at fault, in the order told; defaults are written into the event.
std::string faulty_fields(Event& event) {
  std::string fields;
  for (const Fault& fault : check_rules(event)) fields.append(fault.field).append(" ");
  return fields;
}
std::string faulty(Event event) { return faulty_fields(event); }

std::string faulty_price(std::int64_t price) { return faulty(bid("s", "u", price)); }
std::string faulty_weight(double weight) { return faulty(bid("s", "u", 1, weight)); }
std::string faulty_alpha(double alpha) {
  Terms terms;
  terms.alpha = alpha;
  return faulty(created("s", "o", terms));
}

constexpr std::int64_t kMostMoney = 9007199254740991;

}  // namespace

TEST_CASE("facts as tests write them meet their rules") {
  CHECK(faulty(created("s", "olga")) == "");
  CHECK(faulty(changed("s")) == "");
  CHECK(faulty(closed("s")) == "");
  CHECK(faulty(bid("s", "ann", 5)) == "");
}

TEST_CASE("what has no default must be there") {
  Event event;
  event.mutable_session_created();
  CHECK(faulty(event) == "session_id owner_id product inventory starts_at ");
  event.mutable_session_changed();
  CHECK(faulty(event) == "session_id ");
  event.mutable_session_closed();
  CHECK(faulty(event) == "session_id ");
  event.mutable_bid_placed();
  CHECK(faulty(event) == "session_id user_id price ");
}

TEST_CASE("what is absent and has a default is written") {
  Event event;
  auto& fact = *event.mutable_session_created();
  fact.set_session_id("s");
  fact.set_owner_id("o");
  fact.set_product("p");
  fact.set_inventory(1);
  fact.mutable_starts_at();
  CHECK(faulty(event) == "");
  CHECK(faulty_fields(event).empty());
  CHECK(fact.has_upset_price());
  CHECK(fact.upset_price() == 0);
  CHECK(fact.alpha() == 1);
  CHECK(fact.beta() == 1);
  CHECK(fact.gamma() == 1);
  CHECK_FALSE(fact.has_ends_at());
  auto& bid = *event.mutable_bid_placed();
  bid.set_session_id("s");
  bid.set_user_id("u");
  bid.set_price(1);
  CHECK(faulty_fields(event).empty());
  CHECK(bid.weight() == 1);
  CHECK(bid.has_client_bid_id());
  // A change leaves what is absent absent.
  event.mutable_session_changed()->set_session_id("s");
  CHECK(faulty_fields(event).empty());
  CHECK(event.session_changed().ByteSizeLong() == 3);
}

TEST_CASE("money is 0 to 2^53 - 1") {
  CHECK(faulty_price(0) == "");
  CHECK(faulty_price(kMostMoney) == "");
  CHECK(faulty_price(-1) == "price ");
  CHECK(faulty_price(kMostMoney + 1) == "price ");
  CHECK(faulty_price(std::numeric_limits<std::int64_t>::max()) == "price ");
  Terms terms;
  terms.upset_price = kMostMoney + 1;
  CHECK(faulty(created("s", "o", terms)) == "upset_price ");
}

TEST_CASE("factors are 0 to 1e12, a weight 0 to 2^53 - 1, and all are finite") {
  CHECK(faulty_alpha(0) == "");
  CHECK(faulty_alpha(1e12) == "");
  CHECK(faulty_alpha(1.0000001e12) == "alpha ");
  CHECK(faulty_alpha(-1e-9) == "alpha ");
  CHECK(faulty_alpha(std::numeric_limits<double>::quiet_NaN()) == "alpha ");
  CHECK(faulty_alpha(std::numeric_limits<double>::infinity()) == "alpha ");
  CHECK(faulty_weight(9007199254740991.0) == "");
  CHECK(faulty_weight(9007199254740992.0) == "weight ");
  CHECK(faulty_weight(-0.1) == "weight ");
  CHECK(faulty_weight(std::numeric_limits<double>::quiet_NaN()) == "weight ");
}

TEST_CASE("inventory is 1 to 1000000, a product 1 to 200 long, a client_bid_id 0 to 200") {
  Event event = created("s", "o");
  auto& fact = *event.mutable_session_created();
  fact.set_inventory(0);
  CHECK(faulty(event) == "inventory ");
  fact.set_inventory(1'000'001);
  CHECK(faulty(event) == "inventory ");
  fact.set_inventory(1'000'000);
  fact.set_product("");
  CHECK(faulty(event) == "product ");
  fact.set_product(std::string(201, 'x'));
  CHECK(faulty(event) == "product ");
  fact.set_product(std::string(200, 'x'));
  CHECK(faulty(event) == "");
  CHECK(faulty(bid("s", "u", 1, 1, std::string(200, 'x'))) == "");
  CHECK(faulty(bid("s", "u", 1, 1, std::string(201, 'x'))) == "client_bid_id ");
}

TEST_CASE("a time is in the years 1 to 9999, and is cut down to the millisecond") {
  Event event = created("s", "o");
  auto& time = *event.mutable_session_created()->mutable_starts_at();
  time.set_nanos(123'999'999);
  CHECK(faulty_fields(event).empty());
  CHECK(time.nanos() == 123'000'000);
  time.set_nanos(-1);
  CHECK(faulty(event) == "starts_at ");
  time.set_nanos(1'000'000'000);
  CHECK(faulty(event) == "starts_at ");
  time.set_nanos(0);
  time.set_seconds(std::numeric_limits<std::int64_t>::max());
  CHECK(faulty(event) == "starts_at ");
  time.set_seconds(std::numeric_limits<std::int64_t>::min());
  CHECK(faulty(event) == "starts_at ");
  time.set_seconds(253'402'300'800);
  CHECK(faulty(event) == "starts_at ");
  time.set_seconds(253'402'300'799);
  CHECK(faulty(event) == "");
}

}  // namespace sluice
