#pragma once

// The folder in which one process keeps its state.

#include <filesystem>
#include <string>

namespace sluice {

class DataFolder {
 public:
  // Makes the folder where needed and locks it for this process, until destroyed; the lock does not
  // outlive the process, however it ends. Misconfigured when another process has it, or when it
  // cannot be made.
  explicit DataFolder(const std::filesystem::path& path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Names this folder among all; made once, kept with it.
  [[nodiscard]] const std::string& instance() const { return instance_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
  std::string instance_;
};

// Makes a folder into which nobody else may look: events and state are people's data.
void make_closed_folder(const std::filesystem::path& path);

}  // namespace sluice
