#pragma once

// Files that are linked or copied, their checksums, and folders that are in use.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// Of damage, not of a person who means it: XXH3, 128 bits, in hexadecimal digits.
[[nodiscard]] std::string checksum_of(std::string_view bytes);
// Retryable where it cannot be read; nullopt: there is no plain file of this name.
[[nodiscard]] std::optional<std::string> checksum_of_file(const std::filesystem::path& file);

[[nodiscard]] std::string hex_of(std::uint64_t number);
[[nodiscard]] bool parse_hex(std::string_view text, std::uint64_t& number);

// Names a file of a folder, and nothing outside of it.
[[nodiscard]] bool is_file_name(std::string_view name);

struct FileSeen {
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
};
// nullopt: there is no plain file of this name; links are none.
[[nodiscard]] std::optional<FileSeen> look_at_file(const std::filesystem::path& file);

// Makes `to`, which is not there, another name of `from`. False where the file system does not
// allow it; Misconfigured where nothing else can be made there either.
[[nodiscard]] bool link_file(const std::filesystem::path& from, const std::filesystem::path& to);
enum class Placed { linked, copied };
// Makes `to`, which is not there, another name of `from` where the file system allows, else a
// durable copy of it. Misconfigured with the name where neither can be done.
Placed link_or_copy(const std::filesystem::path& from, const std::filesystem::path& to);
void copy_durably(const std::filesystem::path& from, const std::filesystem::path& to);
// The same; the checksum of what was read and written, which it costs nothing to read again.
[[nodiscard]] std::string copy_and_sum(const std::filesystem::path& from,
                                       const std::filesystem::path& to);
// A file's or a folder's bytes, or names, are on the disk. Misconfigured where that failed.
void sync_path(const std::filesystem::path& path);

// A folder that is made, read or removed by one at a time, in whichever process; how it ends does
// not matter. Only the folder of a snapshot is held so.
class FolderHold {
 public:
  enum class Kind { alone, shared };
  // Nothing is held where somebody else holds it, or it is not there.
  FolderHold(const std::filesystem::path& folder, Kind kind);
  ~FolderHold();
  FolderHold(const FolderHold&) = delete;
  FolderHold& operator=(const FolderHold&) = delete;
  [[nodiscard]] bool held() const { return folder_ >= 0; }

 private:
  int folder_ = -1;
};

}  // namespace sluice
