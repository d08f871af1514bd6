#include "tests/contract/swap_steps.h"

#include <catch2/catch.hpp>

namespace sluice::testing {

std::optional<Shown> shown(SwapUnderTest& world) { return world.reader()->read(); }

std::string word_of(const std::optional<SwapSession::Ended>& ended) {
  if (!ended) return "";
  if (const auto* again = std::get_if<SwapSession::Again>(&*ended)) return again->word;
  const auto* refused = std::get_if<GenerationRefusal>(&*ended);
  return refused == nullptr ? "done" : refused->word;
}

void meet(SwapSession& session) {
  REQUIRE(word_of(session.begin()).empty());
  session.lock_live();
  REQUIRE(session.look().equal);
  session.lock_other();
  REQUIRE(session.still_computed().empty());
}

void carry_out(SwapSession& session) {
  meet(session);
  session.commit_mark();
  session.write();
  REQUIRE(word_of(session.show()).empty());
  REQUIRE(session.commit());
  session.release();
}

}  // namespace sluice::testing
