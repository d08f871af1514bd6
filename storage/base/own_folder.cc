#include "storage/base/own_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

std::string user_name(uid_t user) {
  const passwd* entry = getpwuid(user);
  return entry ? entry->pw_name : "user " + std::to_string(user);
}

// A closed descriptor ends with its scope.
struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

// Which of the folders above it is in the way.
std::string cause(const fs::path& path, const std::string& otherwise) {
  fs::path above;
  for (const auto& part : path) {
    above /= part;
    struct stat about {};
    if (::stat(above.c_str(), &about) != 0) break;
    if (!S_ISDIR(about.st_mode)) return above.string() + " is no folder";
    if (::access(above.c_str(), X_OK) != 0) return above.string() + " is closed to this user";
  }
  return otherwise;
}

void require_ours(const fs::path& path, const struct stat& about) {
  if (about.st_uid == ::geteuid()) return;
  throw Misconfigured(path.string() + " belongs to " + user_name(about.st_uid) +
                      ", and sluice runs as " + user_name(::geteuid()) +
                      ": run it as that user, chown it, or name another folder");
}

[[noreturn]] void refuse_link(const fs::path& path) {
  throw Misconfigured(path.string() +
                      " is a symbolic link, which is not followed: remove it, and ask who put it "
                      "there");
}

// A link is followed only if nobody but ourselves and root can have put it there.
fs::path resolved(const fs::path& path, OwnFolder::Links links) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  struct stat about {};
  if (::lstat(absolute.c_str(), &about) != 0 || !S_ISLNK(about.st_mode)) return absolute;
  if (links == OwnFolder::Links::refused) refuse_link(absolute);
  if (about.st_uid != 0) require_ours(absolute, about);
  std::error_code error;
  const fs::path target = fs::canonical(absolute, error);
  if (!error) return target;
  throw Misconfigured(absolute.string() + " is a link to nothing that can be opened (" +
                      error.message() + "): name a folder");
}

void make_folders(const fs::path& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) return;
  if (errno == ENOENT && path.has_parent_path() && path != path.parent_path()) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (!error && ::mkdir(path.c_str(), S_IRWXU) == 0) return;
    if (error) errno = error.value();
  }
  if (errno == EEXIST) return;
  throw Misconfigured("cannot make " + path.string() + " (" + cause(path, std::strerror(errno)) +
                      "): name a folder that this user may write");
}

}  // namespace

OwnFolder::OwnFolder(const fs::path& path, Links links) : path_(resolved(path, links)) {
  make_folders(path_);
  Descriptor opened(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (opened.number < 0 || ::fstat(opened.number, &about) != 0) {
    throw Misconfigured("cannot open " + path_.string() + " (" +
                        cause(path_, std::strerror(errno)) +
                        "): name a folder that this user may write");
  }
  require_ours(path_, about);
  if ((about.st_mode & kOthersWrite) != 0) {
    throw Misconfigured("others may write in " + path_.string() +
                        ": look at what is in it, then chmod go-w it");
  }
  folder_ = std::exchange(opened.number, -1);
}

OwnFolder::~OwnFolder() { ::close(folder_); }

std::vector<std::string> OwnFolder::names() const {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    found.push_back(entry.path().filename().string());
  }
  if (error) {
    throw Misconfigured("cannot look into " + path_.string() + " (" + error.message() + ")");
  }
  std::ranges::sort(found);
  return found;
}

int OwnFolder::open_plain(const std::string& name, int flags) const {
  const fs::path file = path_ / name;
  Descriptor opened(::openat(folder_, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                             S_IRUSR | S_IWUSR));
  if (opened.number < 0 && errno == ENOENT) return -1;
  struct stat about {};
  if (opened.number < 0 || ::fstat(opened.number, &about) != 0) {
    if (errno == ELOOP) refuse_link(file);
    throw Misconfigured("cannot open " + file.string() + " (" + std::strerror(errno) + ")");
  }
  require_ours(file, about);
  if (!S_ISREG(about.st_mode) || about.st_nlink != 1) {
    throw Misconfigured(file.string() +
                        " is no plain file, or has another name elsewhere: "
                        "remove it, and ask who put it there");
  }
  return std::exchange(opened.number, -1);
}

std::optional<std::string> OwnFolder::read(const std::string& name) const {
  const Descriptor file(open_plain(name, O_RDONLY));
  if (file.number < 0) return std::nullopt;
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t size = ::read(file.number, piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      throw Misconfigured("cannot read " + (path_ / name).string() + " (" + std::strerror(errno) +
                          ")");
    }
    if (size == 0) return text;
    text.append(piece, static_cast<std::size_t>(size));
  }
}

void OwnFolder::write(const std::string& name, std::string_view text) const {
  const std::string fresh = name + ".new";
  // What a process that was killed left, or a link: the name goes, nothing behind it is touched.
  ::unlinkat(folder_, fresh.c_str(), 0);
  const Descriptor file(::openat(folder_, fresh.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 S_IRUSR | S_IWUSR));
  const bool written =
      file.number >= 0 &&
      ::write(file.number, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.number) == 0 && ::renameat(folder_, fresh.c_str(), folder_, name.c_str()) == 0 &&
      ::fsync(folder_) == 0;
  if (!written) {
    throw Misconfigured("cannot write " + (path_ / name).string() + " (" + std::strerror(errno) +
                        ")");
  }
}

int OwnFolder::open(const std::string& name) const {
  return open_plain(name, O_RDWR | O_APPEND | O_CREAT);
}

fs::path OwnFolder::closed_folder(const std::string& name) const {
  const fs::path below = path_ / name;
  if (::mkdirat(folder_, name.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    throw Misconfigured("cannot make " + below.string() + " (" + std::strerror(errno) + ")");
  }
  const Descriptor opened(
      ::openat(folder_, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (opened.number < 0 || ::fstat(opened.number, &about) != 0) {
    throw Misconfigured(below.string() +
                        " is no folder, or a link to one, which is not followed: "
                        "move what it leads to here");
  }
  require_ours(below, about);
  if (::fchmod(opened.number, S_IRWXU) != 0) {
    throw Misconfigured("cannot close " + below.string() + " to others (" + std::strerror(errno) +
                        ")");
  }
  return below;
}

void require_own_tree(const fs::path& path) {
  const auto require = [](const fs::path& entry) {
    struct stat about {};
    if (::lstat(entry.c_str(), &about) != 0) return;  // it has gone
    if (S_ISLNK(about.st_mode)) refuse_link(entry);
    require_ours(entry, about);
  };
  require(path);
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(path, none)) require(entry.path());
}

}  // namespace sluice
