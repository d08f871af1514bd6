#pragma once

// A snapshot in words, for a person at a terminal.

#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "projectors/deliberation/math/snapshot.h"

namespace sluice {

// A snapshot with what people call its things. Borrowed; texts by the numbers of the conversation,
// empty where nobody knows them.
struct DescribedSnapshot {
  const math::Snapshot& snapshot;
  std::string_view title;
  std::span<const std::string> participants;  // ids
  std::span<const std::string> opinions;      // ids
  std::span<const std::string> texts;         // of opinions
};

using StageTimes = std::vector<std::pair<math::Stage, std::chrono::nanoseconds>>;

// "A" is the first group.
[[nodiscard]] std::string group_letter(math::Group group);
// How many participants each group of the chosen grouping has; empty without groups.
[[nodiscard]] std::vector<std::size_t> group_sizes(const math::Snapshot& snapshot);
// The opinion's text, or its id where there is none.
[[nodiscard]] std::string opinion_text(const DescribedSnapshot& described, math::Opinion opinion);
// "85 % agree" of those in the group who voted on it.
[[nodiscard]] std::string share_text(const math::Representative& representative);

// Sizes, groups with their opinions, consensus.
[[nodiscard]] std::string math_report(const DescribedSnapshot& described);
// One line a stage, in milliseconds, and their sum.
[[nodiscard]] std::string timing_report(const StageTimes& times);

}  // namespace sluice
