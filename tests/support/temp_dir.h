#pragma once

#include <filesystem>

namespace sluice::testing {

// A folder below the system's temporary one, removed with all that it holds. Servers that run as
// another user can pass through it (mode 0711).
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sluice::testing
