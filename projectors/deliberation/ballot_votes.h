#pragma once

// The votes on a ballot, as the JSON text that readers get: {"o1":"agree","o2":"pass"}. Empty when
// there are none. Changed in place: no id of an opinion has a character that JSON escapes, so the
// text is searched as it stands. A look-up takes time with the length of the ballot, as writing
// the row does that follows; a map would cost several times as much for each vote on it.

#include <string>
#include <string_view>

#include "deliberation/events.pb.h"

namespace sluice::ballot_votes {

// Whether the vote says yes or no.
[[nodiscard]] inline bool takes_side(deliberation::Choice choice) {
  return choice == deliberation::CHOICE_AGREE || choice == deliberation::CHOICE_DISAGREE;
}

// CHOICE_NONE: no vote on the opinion.
[[nodiscard]] deliberation::Choice find(std::string_view votes, std::string_view opinion_id);

// Makes `choice` the vote on the opinion and returns what it was before.
deliberation::Choice exchange(std::string& votes, std::string_view opinion_id,
                              deliberation::Choice choice);

struct Vote {
  std::string_view opinion_id;
  deliberation::Choice choice;
};

// Reads the vote that begins at `at` and moves behind it; false at the end. Begin at 0.
[[nodiscard]] bool next(std::string_view votes, std::size_t& at, Vote& vote);

}  // namespace sluice::ballot_votes
