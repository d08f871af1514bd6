#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace sluice::atproto {

// Puts the next bytes into a buffer of this size and says how many: 0 only at the input's end. Does
// not wait for more than it has. Throws what its input fails with.
using ByteSource = std::function<std::size_t(char* into, std::size_t size)>;

// The bytes of a file, unpacked where its name ends in .gz or .zst, or with "-" of standard input
// as they are. Streamed: memory does not grow with the file. Misconfigured, with the file, when it
// cannot be opened or read, is no such packed file, or ends inside one.
[[nodiscard]] ByteSource open_bytes(const std::filesystem::path& path);

// All that is left in a source, at most `limit` bytes. Misconfigured: more.
[[nodiscard]] std::string read_all(const ByteSource& source, std::size_t limit);

}  // namespace sluice::atproto
