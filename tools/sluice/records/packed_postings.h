#pragma once

// A key's postings as a text of JSON may hold them: about four characters a record.

#include <cstddef>
#include <string>
#include <string_view>

#include "projectors/engine/key_index/posting.h"

namespace sluice {

// What an answer of the owner of a partition may hold.
inline constexpr std::size_t kPostingsInAnswer = 2'000'000;

[[nodiscard]] std::string packed(const Postings& postings);
// Corrupt: it cannot be read.
[[nodiscard]] Postings unpacked(std::string_view text);

}  // namespace sluice
