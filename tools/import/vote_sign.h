#pragma once

// Whether agree is 1 or -1 in the votes of an export: declared, or told by counts beside them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/polis_export.h"

namespace sluice {

// What a producer's line such as "agree=-1;disagree=+1;pass=0" declares agree to be: 1 or -1.
// nullopt: it is not understood.
[[nodiscard]] std::optional<int> declared_agree(std::string_view convention);

// One thing whose votes the producer has counted.
struct CountedVotes {
  std::string what;  // "comment 5"
  PolisSides read;   // from the votes as they were read
  PolisSides counted;
};

// By comment, of those that the producer has counted.
[[nodiscard]] std::vector<CountedVotes> counted_by_comment(const PolisExport& from);

enum class SignCheck {
  same,
  opposite,   // agreements and disagreements fit better when they are exchanged
  undecided,  // they fit equally well
};
[[nodiscard]] SignCheck check_sign(const std::vector<CountedVotes>& counts);

// Misconfigured, with both numbers of the clearest contradiction, when the sign is opposite.
// `votes` and `counts` name the two files.
void refuse_opposite_sign(const std::vector<CountedVotes>& counts, std::string_view votes,
                          std::string_view counted_in);

}  // namespace sluice
