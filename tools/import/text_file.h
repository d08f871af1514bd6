#pragma once

// Files that other programs wrote, as UTF-8 text.

#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {

// The text of a file. One whose name ends in .gz is unpacked. A byte order mark declares UTF-8 or
// UTF-16 and is taken off; without one the text must be UTF-8. Misconfigured, with the file and
// where in it, when it cannot be read as that.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);

// The same of bytes at hand; `name` is for messages.
[[nodiscard]] std::string decode_text(std::string bytes, const std::string& name);

}  // namespace sluice
