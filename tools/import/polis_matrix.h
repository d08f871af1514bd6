#pragma once

#include <filesystem>
#include <vector>

#include "tools/import/polis_export.h"

namespace sluice {

// The two names that Polis has given to the file.
inline constexpr const char* kParticipantsVotes = "participants-votes.csv";
inline constexpr const char* kParticipantVotes = "participant-votes.csv";

// The last vote of each participant on each comment: a row a participant and a column a comment,
// named by its id. In the order of rows and columns. Misconfigured, with the place, where a field
// is no vote, where a column might be a comment's and is not named by an id, or where the sign
// contradicts n-agree and n-disagree.
[[nodiscard]] std::vector<PolisVote> read_matrix(const std::filesystem::path& path, int agree);

}  // namespace sluice
