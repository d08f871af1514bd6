#pragma once

// The folder in which one process keeps its state.

#include <filesystem>
#include <string>

#include "storage/base/own_folder.h"

namespace sluice {

// Of all that programs keep in such a folder, state and embedded log. Raised when an older program
// would misread what this one writes; the folder says which it has, in a file.
inline constexpr int kDataFormat = 1;

class DataFolder {
 public:
  // Makes the folder where needed and locks it for this process, until destroyed; the lock does not
  // outlive the process, however it ends. Misconfigured when another process has it, when it cannot
  // be made, when others may write in it, when it holds anything but was not made by sluice, or
  // when a newer program wrote in it.
  explicit DataFolder(const std::filesystem::path& path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  // Names this folder among all; made once, kept with it.
  [[nodiscard]] const std::string& instance() const { return instance_; }

 private:
  const OwnFolder folder_;
  int lock_ = -1;
  std::string instance_;
};

// Misconfigured where a newer program has written in the folder, so that this one may not read it.
void require_known_format(const std::filesystem::path& data);

// The folder of this name in `data`, made where it is missing, into which nobody else may look:
// events and state are people's data. Misconfigured where a link or a file of another user is in
// it.
[[nodiscard]] std::filesystem::path closed_folder(const std::filesystem::path& data,
                                                  const std::string& name);

}  // namespace sluice
