#pragma once

// A folder in which only this user can have made anything. Another user who could write there might
// plant a symbolic link under a name that we write, and have a process of more rights overwrite a
// file of their choosing: so links are never followed, and what belongs to another user is refused.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class OwnFolder {
 public:
  // Whether the folder itself may be named by a link that we or root made.
  enum class Links { followed, refused };

  // Opens the folder, and makes it and those above it where they are missing, closed to all others.
  // Misconfigured: it cannot be made, is no folder, or others may write in it.
  explicit OwnFolder(const std::filesystem::path& path, Links links = Links::refused);
  ~OwnFolder();
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Names of all that is in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

  // The file's text; nullopt where there is none. Misconfigured: it is no plain file of ours, or
  // not to be read.
  [[nodiscard]] std::optional<std::string> read(const std::string& name) const;

  // Makes the file, readable by us alone, in one step: it has this text or what it had before.
  void write(const std::string& name, std::string_view text) const;

  // A descriptor, to be closed by the caller, of a plain file of ours, made where it is missing:
  // to append to, or to lock.
  [[nodiscard]] int open(const std::string& name) const;

  // The folder of this name below it, made where it is missing, into which nobody else may look.
  [[nodiscard]] std::filesystem::path closed_folder(const std::string& name) const;

 private:
  [[nodiscard]] int open_plain(const std::string& name, int flags) const;

  std::filesystem::path path_;
  int folder_ = -1;
};

// Throws Misconfigured for the first link, or file of another user, at or below this path.
void require_own_tree(const std::filesystem::path& path);

}  // namespace sluice
