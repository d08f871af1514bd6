#pragma once

// The steps of a swap as suites take them, one after the other.

#include <optional>
#include <string>

#include "tests/contract/generation_swap_contract.h"

namespace sluice::testing {

[[nodiscard]] std::optional<Shown> shown(SwapUnderTest& world);
// "" where it goes on; "done", or the word of what it ended with.
[[nodiscard]] std::string word_of(const std::optional<SwapSession::Ended>& ended);
// Everything up to the mark.
void meet(SwapSession& session);
// All of it.
void carry_out(SwapSession& session);

}  // namespace sluice::testing
