#include "projectors/deliberation/ballot_votes.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <map>

namespace sluice {
namespace {

using deliberation::Choice;

std::map<std::string, Choice> all(std::string_view votes) {
  std::map<std::string, Choice> found;
  ballot_votes::Vote vote;
  for (std::size_t at = 0; ballot_votes::next(votes, at, vote);) {
    RC_ASSERT(found.emplace(vote.opinion_id, vote.choice).second);
  }
  return found;
}

TEST_CASE("the text of a ballot holds what a map of its votes would") {
  // Ids that are words, begin alike and end alike.
  const std::vector<std::string> ids{"1",    "11", "111", "agree",
                                     "pass", "a",  "-",   std::string(64, 'x')};
  CHECK(rc::check([&] {
    std::string text;
    std::map<std::string, Choice> votes;
    for (const auto step :
         *rc::gen::container<std::vector<unsigned>>(rc::gen::arbitrary<unsigned>())) {
      const std::string& id = ids[step % ids.size()];
      const auto choice = static_cast<Choice>(step / ids.size() % 4);
      const auto held = votes.find(id);
      const Choice before = held == votes.end() ? deliberation::CHOICE_NONE : held->second;
      RC_ASSERT(ballot_votes::find(text, id) == before);
      RC_ASSERT(ballot_votes::exchange(text, id, choice) == before);
      if (choice == deliberation::CHOICE_NONE) {
        votes.erase(id);
      } else {
        votes[id] = choice;
      }
      RC_ASSERT(ballot_votes::find(text, id) == choice);
      RC_ASSERT(all(text) == votes);
    }
  }));
}

TEST_CASE("a ballot's text is JSON in the order of the votes") {
  std::string text;
  ballot_votes::exchange(text, "o1", deliberation::CHOICE_AGREE);
  ballot_votes::exchange(text, "o2", deliberation::CHOICE_DISAGREE);
  ballot_votes::exchange(text, "o3", deliberation::CHOICE_PASS);
  CHECK(text == R"({"o1":"agree","o2":"disagree","o3":"pass"})");
  ballot_votes::exchange(text, "o2", deliberation::CHOICE_PASS);
  CHECK(text == R"({"o1":"agree","o2":"pass","o3":"pass"})");
  ballot_votes::exchange(text, "o3", deliberation::CHOICE_NONE);
  ballot_votes::exchange(text, "o1", deliberation::CHOICE_NONE);
  CHECK(text == R"({"o2":"pass"})");
  ballot_votes::exchange(text, "o2", deliberation::CHOICE_NONE);
  CHECK(text.empty());
}

}  // namespace
}  // namespace sluice
