#pragma once

#include <filesystem>
#include <string>

namespace sluice {

// A folder for the time of one command; gone when this is destroyed. What a killed process left
// behind, the next one on the same parent takes away.
class ScratchFolder {
 public:
  // Below `parent`, or the system's temporary folder when that is empty. Misconfigured when none
  // can be made there.
  explicit ScratchFolder(const std::filesystem::path& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;  // held as long as the process lives
};

}  // namespace sluice
