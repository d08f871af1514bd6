#include "projectors/deliberation/math/in_conv.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "tests/support/math_votes.h"
#include "tests/support/naive_math.h"

using namespace sluice;
using namespace sluice::math;

namespace {

std::vector<std::uint32_t> in(const InConv& in_conv) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t p = 0; p < in_conv.members().size(); ++p) {
    if (in_conv.members()[p]) found.push_back(p);
  }
  return found;
}

}  // namespace

TEST_CASE("the first fifteen are clustered however few votes they have") {
  InConv in_conv;
  for (std::uint32_t p = 0; p < 20; ++p) in_conv.voted(p, 1, 30);
  CHECK(in(in_conv).size() == 15);
  CHECK(in(in_conv).back() == 14);
}

TEST_CASE("a later one is clustered from the seventh vote on") {
  InConv in_conv;
  for (std::uint32_t p = 0; p < 16; ++p) in_conv.voted(p, 1, 30);
  in_conv.voted(15, 6, 30);
  CHECK_FALSE(in_conv.members()[15]);
  in_conv.voted(15, 7, 30);
  CHECK(in_conv.members()[15]);
}

TEST_CASE("as many votes as there are opinions are enough, and whoever is in stays in") {
  InConv in_conv;
  for (std::uint32_t p = 0; p < 16; ++p) in_conv.voted(p, 1, 3);
  CHECK_FALSE(in_conv.members()[15]);
  in_conv.voted(15, 3, 3);
  CHECK(in_conv.members()[15]);
  in_conv.voted(15, 0, 30);
  CHECK(in_conv.members()[15]);
}

TEST_CASE("when an opinion loses its last vote, everybody who now has enough comes in") {
  InConv in_conv;
  for (std::uint32_t p = 0; p < 18; ++p) in_conv.voted(p, 2, 3);
  CHECK(in(in_conv).size() == 15);
  in_conv.voted(0, 1, 2);
  CHECK(in(in_conv).size() == 18);
}

TEST_CASE("the set is that of the rule gone through anew after every vote") {
  CHECK(rc::check([] {
    testing::Chance chance(*rc::gen::arbitrary<std::uint64_t>());
    const auto opinions = *rc::gen::element<std::uint32_t>(1, 3, 8, 20);
    const auto people = *rc::gen::element<std::uint32_t>(1, 14, 16, 30);
    const auto withdrawals = *rc::gen::element(0.0, 0.1, 0.45);
    const int votes = *rc::gen::inRange(1, 150);
    testing::naive::Table table;
    testing::naive::Clustered expected;
    std::vector<std::uint64_t> order;
    Ballots ballots{std::vector<OpinionStatus>(opinions)};
    for (int i = 0; i < votes; ++i) {
      const std::uint64_t voter = chance.below(people);
      const std::uint32_t opinion = chance.below(opinions);
      const bool withdraws = chance.happens(withdrawals);
      ballots.cast(voter, opinion, withdraws ? std::nullopt : std::optional(Choice::agree));
      auto row = std::ranges::find(order, voter);
      if (row == order.end()) {
        if (withdraws) continue;
        order.push_back(voter);
        table.emplace_back(opinions);
        row = order.end() - 1;
      }
      table[static_cast<std::size_t>(row - order.begin())][opinion] =
          withdraws ? std::nullopt : std::optional(1);
      expected.after(table);
      const auto& found = ballots.conversation().in_conv;
      for (std::size_t p = 0; p < found.size(); ++p) {
        RC_ASSERT(found[p] == expected.in.contains(p));
      }
    }
    RC_ASSERT(ballots.voters() == order);
  }));
}
