#pragma once

// Asks the processes that project, through rows of sluice.request, and waits for their answers.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/position.h"
#include "storage/postgres/connection.h"

namespace sluice {

inline constexpr std::chrono::seconds kAnswerPatience{10};

// "ada@laptop": who runs this program. For people; proves nothing.
[[nodiscard]] std::string who_asks();

struct Question {
  std::string kind;
  std::string projection;
  std::optional<int> generation = std::nullopt;  // nullopt: the live one, where that matters
  std::optional<Partition> partition = std::nullopt;
  std::string argument = "{}";  // JSON
  bool personal = false;        // the answer may hold what users wrote: it is kept nowhere
};

// The answers, as JSON, in the order of the questions: also {"refused", "reason"}. nullopt: within
// `patience` nobody answered, or said that it was at it; then nobody will. The first such ends the
// wait for all: others that are under way then are "unfinished". Throws what the connection throws.
[[nodiscard]] std::vector<std::optional<std::string>> ask_processes(
    PgConnection& postgres, const std::vector<Question>& questions,
    std::chrono::milliseconds patience = kAnswerPatience);

// The answer, as JSON. CommandRefused: an owner said that it cannot now. Misconfigured: what was
// asked is at fault, or, with the text of `nobody`, there is no answer. `of`, if anything, begins
// the reasons.
[[nodiscard]] std::string require_answer(const std::optional<std::string>& answer,
                                         const std::string& nobody, const std::string& of = {});

}  // namespace sluice
