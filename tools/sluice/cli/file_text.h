#pragma once

#include <cstddef>
#include <string>

namespace sluice {

// What a file, or a pipe, that an operator named holds. Misconfigured where it cannot be read, or
// holds more than `most` bytes.
[[nodiscard]] std::string text_of_file(const std::string& path, std::size_t most);

}  // namespace sluice
